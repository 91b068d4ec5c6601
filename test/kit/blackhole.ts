import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A listener that never accepts and whose queue is full: a SYN to it is never answered. */
export interface BlackHole {
  readonly port: number
  close(): Promise<void>
}

const LISTEN_AND_HANG = `
const { parentPort } = require('node:worker_threads')
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

const MOST = 32
const CONNECTS_WITHIN_MS = 300

export async function blackHole(): Promise<BlackHole> {
  const worker = new Worker(LISTEN_AND_HANG, { eval: true })
  const [port] = await once(worker, 'message')
  const filling: Socket[] = []
  const close = async (): Promise<void> => {
    for (const socket of filling) socket.destroy()
    await worker.terminate()
  }
  for (let i = 0; i < MOST; i++) {
    const socket = connect({ host: '127.0.0.1', port })
    filling.push(socket)
    socket.on('error', () => {})
    if (!(await connects(socket))) return { port, close }
  }
  await close()
  throw new Error(`still accepted after ${MOST} connections`)
}

function connects(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    // A turn later: what came while this process was held up counts.
    const timer = setTimeout(() => setImmediate(resolve, false), CONNECTS_WITHIN_MS)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
