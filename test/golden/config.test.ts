import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { render } from '../../src/cli/check.ts'
import { Exit } from '../../src/cli/io.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import { readConfigFile } from '../../src/config/read/files.ts'

const FOLDER = fileURLToPath(new URL('./config/', import.meta.url))
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length))

/** What the cases may take from the environment; nothing else is set. */
const ENV = { SHOP_HOST: 'shop.example.com', SHOP_PORT: '8080', EMPTY: '' }

/** What `sluice check NAME.yaml` ends with and prints, from within the folder. */
async function checked(name: string): Promise<string> {
  const file = `${name}.yaml`
  const { config, diagnostics } = await loadConfig(file, {
    ...loadDeps(ENV),
    readFile: (path) => readConfigFile(`${FOLDER}${path.slice(path.lastIndexOf('/') + 1)}`),
  })
  const bad = diagnostics.some(({ severity }) => severity === 'error')
  expect(config === undefined).toBe(bad)
  return `exit ${bad ? Exit.badConfig : Exit.ok}\n${await render(diagnostics, false)}`
}

describe('what sluice check says', () => {
  it.each(NAMES)('%s', async (name) => {
    const said = await checked(name)
    const golden = `${FOLDER}${name}.txt`
    if (process.env.UPDATE_GOLDEN === '1') await writeFile(golden, said)
    expect(said).toBe(await readFile(golden, 'utf8'))
  })

  it('has a text for each file, and no other', () => {
    const texts = readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))
    expect(texts.map((file) => file.slice(0, -'.txt'.length)).sort()).toEqual([...NAMES].sort())
  })

  it('accepts some files and refuses most', async () => {
    const exits = await Promise.all(NAMES.map(async (name) => (await checked(name)).split('\n')[0]))
    expect(exits.filter((exit) => exit === 'exit 0').length).toBeGreaterThanOrEqual(15)
    expect(exits.filter((exit) => exit === 'exit 2').length).toBeGreaterThanOrEqual(80)
  })
})
