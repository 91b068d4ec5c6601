import { MessageChannel, Worker } from 'node:worker_threads'
import type { PendingAnswer } from '../../../src/core/link.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import type { LinkPeer } from '../../../src/link/peer.ts'
import { ManualClock } from '../../kit/clock.ts'
import { memoryPorts, type Port, peerOver } from '../../kit/link-ports.ts'
import { Deeds, testAnswers } from './answers.ts'
import { BOUNDS } from './bounds.ts'

/** Two sides that speak: one asks, the other has the answers of the suite. */
export interface LinkRig {
  readonly asker: LinkPeer
  /** Of the answering side. */
  readonly deeds: Deeds
  /** Questions that could not be sent. */
  readonly faults: unknown[]
  /** The way between them, from the asking side: what it posts, and what it hears. */
  readonly port: Port
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>
  /** The answering side ends without a word. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** How the two sides are joined. */
export type MakeRig = () => LinkRig

function rigOver(port: Port, clock: Clock, deeds: Deeds, rest: Pick<LinkRig, 'pass' | 'kill' | 'close'>): LinkRig {
  const faults: unknown[] = []
  const asker = peerOver(port, {
    find: () => undefined,
    bounds: BOUNDS,
    clock,
    timers: new TimerWheel(clock),
    fault: (error) => faults.push(error),
  })
  return { asker, deeds, faults, port, ...rest }
}

function answering(port: Port, clock: Clock, deeds: Deeds): void {
  peerOver(port, {
    find: testAnswers(clock, deeds),
    bounds: BOUNDS,
    clock,
    timers: new TimerWheel(clock),
    fault: () => deeds.count('faults'),
  })
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A thread of its own answers. */
function threadRig(): LinkRig {
  const { port1, port2 } = new MessageChannel()
  const deeds = new Deeds()
  const thread = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: { memory: deeds.memory, port: port2 },
    transferList: [port2],
  })
  const kill = async (): Promise<void> => void (await thread.terminate())
  return rigOver(port1, systemClock, deeds, {
    pass: sleep,
    kill,
    close: async () => {
      port1.close()
      await kill()
    },
  })
}

/** A channel within one thread. */
function channelRig(): LinkRig {
  const { port1, port2 } = new MessageChannel()
  const deeds = new Deeds()
  answering(port2, systemClock, deeds)
  const close = async (): Promise<void> => port1.close()
  return rigOver(port1, systemClock, deeds, { pass: sleep, kill: async () => port2.close(), close })
}

/** In memory, in virtual time. */
function memoryRig(): LinkRig {
  const clock = new ManualClock()
  const [port1, port2] = memoryPorts()
  const deeds = new Deeds()
  answering(port2, clock, deeds)
  const pass = async (ms: number): Promise<void> => {
    // What was sent comes before time passes, and what comes of it after.
    await sleep(0)
    clock.advance(ms)
    await sleep(0)
  }
  return rigOver(port1, clock, deeds, {
    pass,
    kill: async () => port2.close(),
    close: async () => {
      port1.close()
      await sleep(0)
      // Neither side has left a deadline: the wheels stop by themselves.
      clock.advance(20)
      if (clock.timers !== 0) throw new Error(`${clock.timers} timers are left`)
    },
  })
}

export const RIGS: readonly (readonly [name: string, make: MakeRig])[] = [
  ['a worker thread', threadRig],
  ['a channel in one thread', channelRig],
  ['memory, in virtual time', memoryRig],
]

/** What a question comes to, while time passes. */
export async function settled<A>(rig: LinkRig, { answer }: PendingAnswer<A>): Promise<unknown> {
  let done = false
  void answer.then(() => {
    done = true
  })
  while (!done) await rig.pass(2)
  return answer
}
