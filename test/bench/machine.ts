import { execFile } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What figures depend on; nothing that names the machine. */
export function machine(): string {
  const [first, ...others] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${first?.model.trim()}, ${others.length + 1} cores, ${memory}, Linux ${release()}, Node ${process.version}`
}

/** The first thing that looks like a version in what a command prints. Rejects where there is no such command. */
export async function versionOf(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(command, args, { timeout: 20_000 })
  const found = /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0]
  if (found === undefined) throw new Error(`${command} does not say its version`)
  return found
}

/** Rejects where what every run needs is missing: two cores, and the tools that pin and load. */
export async function requireTools(): Promise<void> {
  if (cpus().length < 2) throw new Error('two cores are needed: one for the gateway, one for load and backend')
  for (const [command, args] of Object.entries({ taskset: ['-V'], nginx: ['-v'] })) {
    await run(command, args).catch(() => {
      throw new Error(`${command} is needed; scripts/install-system-deps.sh installs what the bench runs`)
    })
  }
  // It ends with 1 after saying its version.
  await run('wrk', ['-v']).catch((error: { code?: unknown }) => {
    if (error.code === 'ENOENT')
      throw new Error('wrk is needed; scripts/install-system-deps.sh installs what the bench runs')
  })
}

/** Text without absolute paths: results say nothing about the machine's folders. */
export function withoutPaths(text: string): string {
  return text.replace(/(?<![\w.~/:])\/(?:[\w.@+~-]+\/)+[\w.@+~-]*/g, '…')
}
