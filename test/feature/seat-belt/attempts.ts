import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { writeHeapSnapshot } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { defineFeature, servedPath } from 'sluice'

/** What a request asks to be attempted. */
export interface Attempts {
  readonly reads: readonly string[]
  /** A file that is not there, in a folder that is. */
  readonly writes: string
}

export interface Outcome {
  /** `read`, or the code of the error, by path. */
  readonly reads: Readonly<Record<string, string>>
  /** `done`, or the code of the error, by what was attempted. */
  readonly acts: Readonly<Record<string, string>>
  readonly env: readonly string[]
}

const require = createRequire(import.meta.url)

function outcome(attempt: () => unknown, done: string): string {
  try {
    attempt()
    return done
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

function read(path: string): unknown {
  return statSync(path).isDirectory() ? readdirSync(path) : readFileSync(path)
}

function actsAt(path: string): Readonly<Record<string, () => unknown>> {
  return {
    write: () => writeFileSync(path, 'x'),
    link: () => symlinkSync('/etc/passwd', path),
    spawn: () => execFileSync(process.execPath, ['--version']),
    worker: () => new Worker('', { eval: true }),
    // Free of ours, if it came up.
    'worker with options of its own': () => new Worker('', { eval: true, execArgv: [] }),
    // Loading it warns, in the threads that may.
    wasi: () => new (require('node:wasi').WASI)({ version: 'preview1' }),
    addon: () => process.dlopen({ exports: {} }, '/nowhere.node'),
    ffi: () => require('node:ffi').dlopen('libc.so.6', {}),
    binding: () => (process as unknown as { binding(name: string): unknown }).binding('fs'),
    inspector: () => new Session().connect(),
    'heap snapshot': () => writeHeapSnapshot(path),
    report: () => process.report.writeReport(path),
    sqlite: () => require('node:sqlite'),
    'sqlite as a builtin': () => {
      if (process.getBuiltinModule('node:sqlite') === undefined)
        throw Object.assign(new Error(), { code: 'ERR_UNKNOWN_BUILTIN_MODULE' })
    },
    connection: () => connect(1, '127.0.0.1').on('error', () => {}),
  }
}

/** Attempts what no worker needs, in a worker, and answers with what came of it. */
export default defineFeature({
  name: 'attempts',
  doc: 'Attempts what no worker needs.',
  keys: { route: servedPath() },
  answers: true,
  places: { answer: { stage: 72, why: 'In the place of an upstream.' } },
  compile: (_, { feature }) => ({
    answer: {
      name: feature,
      handle: (_ex, body) =>
        new Promise((resolve, reject) => {
          const chunks: Uint8Array[] = []
          body.start({
            data: (chunk) => void chunks.push(chunk),
            end: () => {
              const { reads, writes } = JSON.parse(Buffer.concat(chunks).toString()) as Attempts
              const result: Outcome = {
                reads: Object.fromEntries(reads.map((path) => [path, outcome(() => read(path), 'read')])),
                acts: Object.fromEntries(
                  Object.entries(actsAt(writes)).map(([name, act]) => [name, outcome(act, 'done')]),
                ),
                env: Object.keys(process.env),
              }
              const text = Buffer.from(JSON.stringify(result))
              resolve({ status: 200, headers: ['content-length', String(text.length)], body: text })
            },
            fail: () => reject(new Error('the request broke')),
          })
        }),
    },
  }),
})
