import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { profile } from '../../../src/cli/profile.ts'
import { madeFolder } from '../../kit/folder.ts'

const SNAPSHOT = '{"secret":1}'

let folder: ReturnType<typeof madeFolder>
let server: Server
let answers: (end: (text: string) => void, cut: () => void) => void

beforeEach(async () => {
  folder = madeFolder()
  answers = (end) => end(SNAPSHOT)
  server = createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.write(' '.repeat(1_000))
    answers(
      (text) => response.end(text),
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  writeFileSync(at('token'), 'abc')
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  folder.remove()
})

const at = (name: string): string => join(folder.path, name)

async function taken(): Promise<{ readonly code: number; readonly stderr: string }> {
  const texts: string[] = []
  const { port } = server.address() as AddressInfo
  const io = { stdout: () => {}, stderr: (text: string) => texts.push(text), env: {} }
  const place = ['--admin', `http://127.0.0.1:${port}`, '--token-file', at('token')]
  const code = await profile(['--heap', '--out', at('x'), ...place], io as unknown as Parameters<typeof profile>[1])
  return { code, stderr: texts.join('') }
}

test('a part that another run has left is not written to: others could read it', async () => {
  writeFileSync(at('x.part'), 'of others')
  chmodSync(at('x.part'), 0o644)
  expect(await taken()).toEqual({ code: 0, stderr: '' })
  expect(lstatSync(at('x')).mode & 0o777).toBe(0o600)
  expect(readFileSync(at('x'), 'utf8').trim()).toBe(SNAPSHOT)
})

test('a link in its place is not followed, nor is one in that of the file', async () => {
  writeFileSync(at('precious'), 'precious')
  symlinkSync('precious', at('x.part'))
  symlinkSync('precious', at('x'))
  expect(await taken()).toEqual({ code: 0, stderr: '' })
  expect(readFileSync(at('precious'), 'utf8')).toBe('precious')
  expect(lstatSync(at('x')).isFile()).toBe(true)
})

test('what is no part of ours stays, and is said', async () => {
  mkdirSync(at('x.part'))
  answers = () => {}
  expect(await taken()).toEqual({ code: 1, stderr: expect.stringContaining('was not written: ERR_FS_EISDIR') })
  expect(readdirSync(folder.path).toSorted()).toEqual(['token', 'x.part'])
})

test('an answer that breaks leaves nothing, and what was there before', async () => {
  writeFileSync(at('x'), 'before')
  answers = (_, cut) => void setTimeout(cut, 50)
  expect(await taken()).toEqual({ code: 1, stderr: expect.stringContaining('was not written') })
  expect(readFileSync(at('x'), 'utf8')).toBe('before')
  expect(readdirSync(folder.path).toSorted()).toEqual(['token', 'x'])
})
