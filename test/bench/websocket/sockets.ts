import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/**
 * WebSockets in a process of its own, told over IPC: `server` says its port and how many are open when it is asked; a client
 * gets `{ port, count }`, opens them, and says so. Frames are written by hand: what is measured is the gateway.
 */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const BATCH = 200
const HANDSHAKE =
  'GET /idle HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
/** A masked text, `a`; and the echo of it. */
const HELLO = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61])
const ECHO = Buffer.from([0x81, 0x01, 0x61])

function serve(): void {
  let open = 0
  const server = createServer()
  server.on('upgrade', ({ headers }, socket) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64')
    socket.write(
      `HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    open++
    socket.on('data', () => socket.write(ECHO))
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => open--)
  })
  server.listen(0, '127.0.0.1', 4096, () => process.send?.((server.address() as AddressInfo).port))
  process.on('message', () => process.send?.(open))
}

/** Opens one; it has said something and heard it once. */
async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', (error) => fail(error.message))
  socket.on('close', () => fail('it was closed'))
  socket.write(HANDSHAKE)
  let text = ''
  while (!text.endsWith('\r\n\r\n')) text += String((await once(socket, 'data'))[0])
  if (!text.startsWith('HTTP/1.1 101')) fail(text)
  socket.write(HELLO)
  await once(socket, 'data')
  socket.resume()
  return socket
}

function fail(why: string): never {
  process.stderr.write(`a WebSocket: ${why}\n`)
  process.exit(1)
}

async function open({ port, count }: { readonly port: number; readonly count: number }): Promise<void> {
  for (let left = count; left > 0; left -= BATCH)
    await Promise.all(Array.from({ length: Math.min(BATCH, left) }, () => opened(port)))
  process.send?.(count)
}

process.on('disconnect', () => process.exit(0))
if (process.argv[2] === 'server') serve()
else process.on('message', (wanted) => void open(wanted as Parameters<typeof open>[0]))
