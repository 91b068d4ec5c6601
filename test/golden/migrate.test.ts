import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import { migrateFile } from '../../src/config/upgrade/migrate.ts'

const FOLDER = fileURLToPath(new URL('./migrate/', import.meta.url))
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.before.yaml'))
  .map((file) => file.slice(0, -'.before.yaml'.length))

async function hashOf(text: string): Promise<string | undefined> {
  const loaded = await loadConfig('a.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(text) })
  return loaded.config?.hash
}

describe('what sluice migrate writes', () => {
  it.each(NAMES)('%s', async (name) => {
    const before = await readFile(`${FOLDER}${name}.before.yaml`, 'utf8')
    const migrated = migrateFile('a.yaml', Buffer.from(before))
    const text = migrated.state === 'rewritten' ? migrated.text : JSON.stringify(migrated)
    const golden = `${FOLDER}${name}.after.yaml`
    if (process.env.UPDATE_GOLDEN === '1') await writeFile(golden, text)
    expect(text).toBe(await readFile(golden, 'utf8'))
    expect(await hashOf(before)).toMatch(/^[0-9a-f]{64}$/)
    expect(await hashOf(text)).toBe(await hashOf(before))
    expect(migrateFile('a.yaml', Buffer.from(text))).toEqual({ state: 'current' })
  })
})
