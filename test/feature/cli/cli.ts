import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Io } from '../../../src/cli/io.ts'

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))

/** What a command left behind. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `sluice ARGS` as a process of its own in `cwd`, with no environment but `env`. Killed after 60 s: code -1. */
export function sluice(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const { PATH, NODE_COMPILE_CACHE } = process.env
    const options = { cwd, env: { PATH, NODE_COMPILE_CACHE, ...env }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, [CLI, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** Runs a command in this process, as `sluice` would, with no environment but `env`. */
export async function runCommand(
  command: (args: readonly string[], io: Io) => Promise<number>,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  const code = await command(args, {
    stdout: (text) => {
      stdout += text
    },
    stderr: (text) => {
      stderr += text
    },
    env,
    isTTY: false,
  })
  return { code, stdout, stderr }
}
