import { Worker } from 'node:worker_threads'

/** What the log thread is started with. */
export interface LogThreadStart {
  readonly rings: readonly SharedArrayBuffer[]
  /** One Int32: 0 runs, 1 stops. */
  readonly control: SharedArrayBuffer
}

export interface LogThread {
  /** Writes out what is in the rings (for at most 5 s if stdout is full), then ends the thread. */
  stop(): Promise<void>
}

/**
 * Starts the thread that moves access-log lines from the rings to stdout, so that neither workers nor the control plane
 * ever wait for it. The caller stops it.
 */
export function startLogThread(
  rings: readonly SharedArrayBuffer[],
  onError: (error: unknown) => void = () => {},
): LogThread {
  const control = new SharedArrayBuffer(4)
  // A URL is not an import: the build does not rewrite its extension.
  const entry = new URL(`./log-thread-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
  const start: LogThreadStart = { rings, control }
  const thread = new Worker(entry, { name: 'log', workerData: start })
  thread.on('error', onError)
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  const words = new Int32Array(control)
  return {
    stop() {
      Atomics.store(words, 0, 1)
      Atomics.notify(words, 0)
      return ended
    },
  }
}
