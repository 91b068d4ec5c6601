import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { sluice } from './cli.ts'

const FOLDER = fileURLToPath(new URL('../../../config/examples/', import.meta.url))
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'))

describe('config/examples', () => {
  it('holds more than one', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(6)
  })

  it('passes the strict check as it is', async () => {
    const { code, stdout, stderr } = await sluice(FOLDER, ['check', '--strict', ...FILES])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trimEnd().split('\n')).toHaveLength(FILES.length)
  })

  it.each(FILES)('%s needs nothing of the environment, and says what it is about', async (file) => {
    const loaded = await loadConfig(`${FOLDER}${file}`, loadDeps({}))
    expect(loaded.diagnostics).toEqual([])
    const [schema, about] = (await readFile(`${FOLDER}${file}`, 'utf8')).split('\n')
    expect(schema).toBe('# yaml-language-server: $schema=../sluice.schema.json')
    expect(about).toMatch(/^# [A-Z]/)
  })
})
