import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FaultyEndpoint } from '../../src/tools/drill/endpoint.ts'
import type { DrillFault } from '../../src/tools/drill/scenario.ts'

const ENTRY = fileURLToPath(new URL('./endpoint-entry.ts', import.meta.url))

/** A drill's endpoint in a process of its own, so that it can be killed as real ones are. */
export class EndpointProcess implements FaultyEndpoint {
  port = 0
  private readonly serviceMs: number
  private child: ChildProcess | undefined = undefined
  /** Of processes that have ended, as far as it is known. */
  private before = 0

  constructor(serviceMs: number) {
    this.serviceMs = serviceMs
  }

  async start(): Promise<this> {
    const child = fork(ENTRY, [String(this.port), String(this.serviceMs)], {
      execPath: process.execPath,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.child = child
    this.port = (await this.hear(child)) as number
    return this
  }

  async set(fault: DrillFault): Promise<void> {
    if (fault === 'killed') await this.kill()
    else if (this.child === undefined) await this.start()
  }

  async received(): Promise<number> {
    const { child } = this
    if (child === undefined) return this.before
    const answer = this.hear(child)
    child.send('received')
    return this.before + (await answer)
  }

  async stop(): Promise<void> {
    await this.kill()
  }

  private async kill(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    this.before = await this.received()
    this.child = undefined
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  private async hear(child: ChildProcess): Promise<number> {
    return ((await once(child, 'message')) as [number])[0]
  }
}
