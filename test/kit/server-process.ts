import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('./workers/server.ts', import.meta.url))

/** An HTTP server in a process of its own, so that it can be killed as real ones are. */
export class ServerProcess {
  readonly port: number
  private readonly child: ChildProcess

  constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  /** Requests so far. */
  async served(): Promise<number> {
    const answer = once(this.child, 'message')
    this.child.send('served')
    return (await answer)[0] as number
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exited = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exited
  }
}

/** Starts one on `port` (0: any) that answers everything with 200 and a few bytes. */
export async function serverProcess(port = 0): Promise<ServerProcess> {
  const child = fork(ENTRY, [String(port)], {
    execPath: process.execPath,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [bound] = (await once(child, 'message')) as [number]
  return new ServerProcess(child, bound)
}
