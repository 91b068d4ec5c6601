import { setTimeout as sleep } from 'node:timers/promises'
import type { TlsOptions } from 'node:tls'
import { type HttpClient, httpClient, type WireAnswer } from './client.ts'
import type { ExchangeCase } from './exchange-cases.ts'
import { type TcpPeer, type TcpServer, tcpServer } from './tcp.ts'
import { until } from './until.ts'

/** A server that answers request `/…/ID` as case ID says; with `tls`, over TLS. */
export function scriptedUpstream(cases: ReadonlyMap<number, ExchangeCase>, tls?: TlsOptions): Promise<TcpServer> {
  return tcpServer((peer) => {
    let at = 0
    let answered = false
    peer.socket.on('data', () => {
      for (;;) {
        const text = peer.text
        const end = text.indexOf('\r\n\r\n', at)
        if (end === -1) return
        const head = text.slice(at, end)
        const script = cases.get(Number(/^\S+ \/\w+\/(\d+) /.exec(head)?.[1]))
        if (script === undefined) throw new Error(`no case for ${JSON.stringify(head)}`)
        const bodyEnd = endOfBody(text, head, end + 4)
        if (!answered && (script.early || bodyEnd !== -1)) {
          answered = true
          answer(peer, script)
        }
        if (bodyEnd === -1) return
        at = bodyEnd
        answered = false
      }
    })
  }, tls)
}

function answer(peer: TcpPeer, { after, answer, fault }: ExchangeCase): void {
  if (fault === 'resets') peer.reset()
  else if (fault !== 'none' && fault !== 'status' && fault !== 'resets behind') peer.end(answer)
  else if (after === 'closes') peer.end(answer)
  else peer.send(answer)
  if (after === 'resets' && fault !== 'resets') peer.reset()
}

/** Index behind the body of a request; -1: more is to come. */
function endOfBody(text: string, head: string, from: number): number {
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  if (length !== undefined) return text.length >= from + Number(length) ? from + Number(length) : -1
  if (!/^transfer-encoding: chunked$/im.test(head)) return from
  let at = from
  for (;;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return -1
    const size = Number.parseInt(text.slice(at, line), 16)
    if (size === 0) {
      // `0`, trailers, an empty line.
      const end = text.indexOf('\r\n\r\n', line)
      return end === -1 ? -1 : end + 4
    }
    at = line + 2 + size + 2
    if (text.length < at) return -1
  }
}

/** Plays the client's part. The final answer, where the client waits for one. */
export async function playClient(port: number, one: ExchangeCase): Promise<WireAnswer | undefined> {
  const client = await httpClient(port)
  try {
    return await play(client, one)
  } finally {
    client.close()
  }
}

async function play(client: HttpClient, one: ExchangeCase): Promise<WireAnswer | undefined> {
  const { body, head, manner, pieces } = one
  const midway = manner.endsWith('midway')
  const sent = midway ? body.slice(0, Math.floor(body.length / 2)) : body
  const bytes = Buffer.from(head + (manner === 'breaks its chunks' ? 'zz\r\n' : sent), 'latin1')
  // Its head goes out whole, also where it leaves: what never was a request has no line of its own.
  const size = Math.max(Math.ceil(bytes.length / pieces), pieces === 1 ? bytes.length : 1)
  for (let at = 0; at < bytes.length; at += size) {
    client.send(bytes.subarray(at, at + size))
    if (pieces > 1) await new Promise((resolve) => setImmediate(resolve))
  }
  if (manner === 'half-closes') client.peer.end()
  if (manner.startsWith('leaves') || manner.startsWith('resets')) {
    // Until it was read: a connection that is reset in front of its bytes never was a request.
    await sleep(20)
    if (manner.startsWith('resets')) client.peer.reset()
    else client.peer.end()
    return undefined
  }
  if (manner !== 'patient') {
    await until(
      () => client.peer.ended || client.peer.closed || client.peer.text.includes('\r\n\r\n'),
      () => `an answer or a close for ${JSON.stringify(one).slice(0, 800)}`,
    )
    return undefined
  }
  for (;;) {
    const answer = await client.answer(one.method)
    if (answer.status >= 200) return answer
  }
}
