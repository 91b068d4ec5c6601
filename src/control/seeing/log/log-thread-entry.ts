import { fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { LogDrain } from './log-drain.ts'
import type { LogThreadStart } from './log-thread.ts'

const STDOUT = 1
/** Workers pay nothing to wake this thread: it wakes periodically. A ring holds the lines of 20 ms. */
const ROUND_MS = 20
/** Short: a pipe takes 64 KiB at once, and this bounds how often. */
const BLOCKED_MS = 1
const MAX_BLOCKED_AT_END = 5000

/**
 * Writes to pipes and sockets must never block: a thread that hangs in write(2) cannot be ended, nor can its process. libuv
 * sets O_NONBLOCK on what it opens, and does not close descriptors 0 to 2 with it. The result must be kept.
 */
function openStdout(): Socket | undefined {
  const stat = fstatSync(STDOUT)
  return stat.isFIFO() || stat.isSocket() ? new Socket({ fd: STDOUT, readable: false, writable: true }) : undefined
}

function run({ rings, control }: LogThreadStart, stdout: Socket | undefined): void {
  const words = new Int32Array(control)
  const drain = new LogDrain(rings, (bytes) => writeSync(STDOUT, bytes))
  let blockedAtEnd = 0
  for (;;) {
    // Read before the round: what was written before the stop is part of the last round.
    const stopping = Atomics.load(words, 0) === 1
    const empty = drain.round()
    if (stopping && (empty || ++blockedAtEnd > MAX_BLOCKED_AT_END)) break
    // While stopping the word is no longer 0 and would not wait.
    if (stopping) Atomics.wait(words, 0, 1, BLOCKED_MS)
    else Atomics.wait(words, 0, 0, empty ? ROUND_MS : BLOCKED_MS)
  }
  drain.abandon()
  stdout?.unref()
}

run(workerData as LogThreadStart, openStdout())
