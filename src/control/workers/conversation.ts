import type { FromWorker, ToWorker } from '../../core/protocol.ts'

/** What the control plane and each of its workers say to each other, besides configs and listeners. */
export interface Conversation {
  /** A worker speaks; it has nothing of an earlier one of that number. */
  begin(worker: number, thread: { post(message: ToWorker): void }): void
  /** False: the message is for others. */
  receive(worker: number, message: FromWorker): boolean
  /** It is gone. */
  end(worker: number): void
}
