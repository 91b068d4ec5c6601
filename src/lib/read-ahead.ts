import type { Readable } from 'node:stream'

/**
 * From now on a stream that is paused is not read ahead. Node reads on until 64 KiB wait, in as many parts as they came in: 65,536
 * of one octet take 50 MB. It has no call for that once the stream is made (26.10).
 */
export function readNoFurther(stream: Readable): void {
  const { _readableState: state } = stream as unknown as { _readableState: { highWaterMark: number } }
  state.highWaterMark = 1
}
