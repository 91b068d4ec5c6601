/** The least that joins two sides of an upgrade: node:http and `pipe`. `node test/bench/tunnel/bare.ts PORT BACKEND_PORT`. */
import { createServer, request } from 'node:http'
import type { Socket } from 'node:net'

const [port, backend] = process.argv.slice(2).map(Number) as [number, number]
const server = createServer((_req, res) => res.end('ok'))
server.on('upgrade', (req, client: Socket, head) => {
  const { headers, url: path } = req
  const asked = request({ host: '127.0.0.1', port: backend, path, headers })
  asked.on('upgrade', (answer, upstream, rest) => {
    let text = 'HTTP/1.1 101 Switching Protocols\r\n'
    for (let i = 0; i < answer.rawHeaders.length; i += 2)
      text += `${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}\r\n`
    client.write(`${text}\r\n`)
    client.write(rest)
    upstream.write(head)
    client.setNoDelay(true)
    upstream.setNoDelay(true)
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  asked.end()
})
server.listen(port, '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
