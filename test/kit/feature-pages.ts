import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { blocks } from './markdown.ts'

/** Values of the environment that examples name. */
export const EXAMPLE_ENV: Readonly<Record<string, string>> = { STICKY_SECRET: 'a-secret-of-32-characters-at-least' }

/** `$ sluice explain sluice.yaml …` and the lines that stand below it. */
export interface Console {
  readonly args: readonly string[]
  readonly lines: readonly string[]
}

export function consoles(page: string): Console[] {
  return blocks(page, 'console').map((block) => {
    const [command = '', ...lines] = block.trimEnd().split('\n')
    const [prompt, , ...args] = command.split(' ')
    if (prompt !== '$') throw new Error(`no command in ${command}`)
    return { args, lines }
  })
}

/** The first of `lines` that does not stand in `output` behind those before it; `…` is any text, and any space is one. */
export function missing(lines: readonly string[], output: string): string | undefined {
  const printed = output.split('\n').map(squeezed)
  let from = 0
  for (const line of lines) {
    const parts = squeezed(line).split('…')
    const at = printed.findIndex((text, i) => i >= from && fits(text, parts))
    if (at === -1) return line
    from = at + 1
  }
  return undefined
}

function fits(text: string, [first = '', ...rest]: readonly string[]): boolean {
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return rest.length > 0 || at === text.length
}

function squeezed(line: string): string {
  return line.trim().replace(/ +/g, ' ')
}

/** A folder with an example as `sluice.yaml`, and the files that examples name. */
export async function exampleFolder(yaml: string): Promise<{ file: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-example-'))
  const file = await placeExample(folder, yaml)
  return { file, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The same in a folder that is there already; returns the path of the config. */
export async function placeExample(folder: string, yaml: string): Promise<string> {
  const file = join(folder, 'sluice.yaml')
  await writeFile(file, yaml)
  await writeFile(join(folder, 'stock.yaml'), '- http://10.0.0.9:8080\n')
  for (const name of ['404.html', 'closed.html', 'error.html', 'error.json'])
    await writeFile(join(folder, name), '{ "reason": "{failure.reason}" }\n')
  for (const path of ['site/index.html', 'build/app.js']) {
    await mkdir(join(folder, dirname(path)))
    await writeFile(join(folder, path), 'served\n')
  }
  return file
}
