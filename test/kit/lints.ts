import { expect } from 'vitest'
import { type Loaded, loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'

/** In front of sections, which may begin with listeners of their own. */
function head(sections: string): string {
  const listeners = sections.startsWith('listeners:') ? '' : 'listeners: { web: { listen: 127.0.0.1:8080 } }'
  return `apiVersion: sluice/v1\n${listeners}\n`
}

/** Loads a config from these sections; they begin in line 3. */
export function load(sections: string): Promise<Loaded> {
  return loadConfig('a.yaml', {
    ...loadDeps({ SECRET: 'abcdef' }),
    readFile: async () => Buffer.from(head(sections) + sections),
  })
}

/** What is found: `3:5 lint-name`. Throws for a config with errors. */
export async function found(sections: string): Promise<string[]> {
  const { diagnostics } = await load(sections)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new Error(errors.map(({ at, message }) => `${at.line}:${at.column} ${message}`).join('\n'))
  return diagnostics.map(({ at, lint }) => `${at.line}:${at.column} ${lint}`)
}

/** Expects one lint to find something, at each `‸` in the text; without a name: nothing. */
export async function expectAt(sections: string, lint: string | undefined): Promise<void> {
  const places: string[] = []
  const bare = sections.replace(/‸/g, (_mark, offset: number) => {
    const lines = (head(sections) + sections.slice(0, offset)).replaceAll('‸', '').split('\n')
    places.push(`${lines.length}:${(lines.at(-1) as string).length + 1} ${lint}`)
    return ''
  })
  expect(places.length > 0).toBe(lint !== undefined)
  expect(await found(bare)).toEqual(places)
}

/** Two endpoints. */
export const TWO = '[ http://10.0.0.1:8080, http://10.0.0.2:8080 ]'

/** A route (from line 6 on) to an upstream (line 4) of two endpoints, with more keys. */
export function route(keys: string, upstream = `{ endpoints: ${TWO} }`, match = '{ path: /a/* }'): string {
  const lines =
    keys === ''
      ? ''
      : keys
          .split('\n')
          .map((line) => `    ${line}\n`)
          .join('')
  return `upstreams:\n  u: ${upstream}\nroutes:\n  a:\n    match: ${match}\n    to: u\n${lines}`
}
