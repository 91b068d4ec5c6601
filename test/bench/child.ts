import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { Launch } from './contract.ts'

const KEPT_OUTPUT = 4000
const POLITE_MS = 3000

/** A process of ours, pinned to one core, in a process group of its own. */
export class Child {
  readonly pid: number
  /** The latest of what it said on stderr. */
  said = ''
  private readonly process: ChildProcess
  private readonly exited: Promise<unknown>

  constructor(process: ChildProcess) {
    this.process = process
    this.pid = process.pid as number
    this.exited = once(process, 'exit')
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-KEPT_OUTPUT)
    })
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** Ends the whole group: politely, after 3 s by force. */
  async stop(): Promise<void> {
    if (!this.running) return
    this.signal('SIGTERM')
    const force = setTimeout(() => this.signal('SIGKILL'), POLITE_MS)
    await this.exited
    clearTimeout(force)
  }

  private signal(name: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, name)
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** Its standard output is thrown away, where no file is to get it: peers' access logs go nowhere. */
export async function startPinned(core: number, { command, args, env, output }: Launch): Promise<Child> {
  const file = output === undefined ? undefined : await open(output, 'a')
  const started = spawn('taskset', ['-c', String(core), command, ...args], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', file?.fd ?? 'ignore', 'pipe'],
  })
  await once(started, 'spawn').finally(() => file?.close())
  return new Child(started)
}

/**
 * Runs a load tool to its end; gives what it printed. Rejects when it fails, at the deadline and when `signal` aborts; it
 * has ended in any case.
 */
export async function runPinned(
  core: number,
  { command, args }: Launch,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<string> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
  bounded.throwIfAborted()
  // A group of its own: Ctrl-C reaches it through `signal`, once.
  const tool = spawn('taskset', ['-c', String(core), command, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = (): void => void tool.kill('SIGKILL')
  bounded.addEventListener('abort', kill)
  let output = ''
  for (const stream of [tool.stdout, tool.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(tool, 'close')
  bounded.removeEventListener('abort', kill)
  signal.throwIfAborted()
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`)
  return output
}
