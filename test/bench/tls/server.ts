/** Answers each request over TLS with as many bytes as its path says, and no more work than that: `node server.ts KEY CERT`. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'

const [key, cert] = process.argv.slice(2).map((path) => readFileSync(path)) as [Buffer, Buffer]
const BODY = 'x'.repeat(1_048_576)
const FIELDS = 'content-type: text/plain\r\ncache-control: no-store\r\ndate: Mon, 30 Nov 2026 12:00:00 GMT\r\n'
const answers = new Map<string, string>()

function answerOf(size: string): string {
  let answer = answers.get(size)
  if (answer === undefined) {
    answer = `HTTP/1.1 200 OK\r\n${FIELDS}content-length: ${size}\r\n\r\n${BODY.slice(0, Number(size))}`
    answers.set(size, answer)
  }
  return answer
}

function serve(socket: TLSSocket): void {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (;;) {
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = text.slice(0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      text = text.slice(end + 4 + length)
      socket.write(answerOf(head.slice(head.indexOf('/') + 1, head.indexOf(' HTTP'))), 'latin1')
    }
  })
  socket.on('error', () => {})
}

const server = createServer({ key, cert }, serve)
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
