import type { Readable } from 'node:stream'

/** Ends a stream that is not wanted: how it broke, or breaks by that, is of no interest. */
export function dropStream(stream: Readable): void {
  stream.on('error', ignore).destroy()
}

function ignore(): void {}
