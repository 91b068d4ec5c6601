import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { endChild } from '../kit/end-child.ts'

const ENTRY = fileURLToPath(new URL('upstream-entry.ts', import.meta.url))

/** An endpoint in a process of its own, whose port can be closed and opened. */
export class SoakUpstream {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  static async start(): Promise<SoakUpstream> {
    const child = fork(ENTRY, [], { execPath: process.execPath, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const [port] = (await once(child, 'message')) as [number]
    return new SoakUpstream(child, port)
  }

  /** Its port is closed, its connections are broken; or it serves again. */
  async set(wanted: 'down' | 'up'): Promise<void> {
    const done = once(this.child, 'message')
    this.child.send(wanted)
    await done
  }

  stop(): Promise<void> {
    return endChild(this.child)
  }
}
