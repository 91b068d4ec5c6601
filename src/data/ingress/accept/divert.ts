import type { Duplex } from 'node:stream'

/** What is done with the bytes of a client. */
export type Take = (chunk: Buffer) => void

/** From now on the client's bytes go to `take` alone. Returns what got them before, if something did. */
export function divert(socket: Duplex, take: Take): Take | undefined {
  const before = socket.listeners('data') as Take[]
  socket.on('data', take)
  for (const listener of before) socket.removeListener('data', listener)
  // It may have been stopped, for a body or an answer that is not read. `resume` alone does not read on where node:http's
  // parser had the bytes: the stream knew nothing of what was read.
  socket.resume()
  socket._read(0)
  return before[0]
}
