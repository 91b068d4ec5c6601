import type { Gone } from '../../../src/core/downstream.ts'
import type { FlatHeaders } from '../../../src/lib/headers.ts'
import type { Gate, Handled } from '../../kit/ingress.ts'
import type { Scene, SceneRequest, SeenAnswer } from './scene.ts'

const lines = (headers: FlatHeaders): string =>
  headers.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')

/** A request that a raw client sends. */
export async function sceneOver(held: Gate, request: SceneRequest): Promise<Scene> {
  const { method = 'GET', target = '/', headers = [], contentLength = 0, protocol = 'HTTP/1.1' } = request
  const index = held.handled.length
  const client = await held.client()
  const framing =
    contentLength === -1
      ? 'Transfer-Encoding: chunked\r\n'
      : contentLength > 0
        ? `Content-Length: ${contentLength}\r\n`
        : ''
  client.send(`${method} ${target} ${protocol}\r\nHost: Shop.test:80\r\n${lines(headers)}${framing}\r\n`)
  const { downstream, events }: Handled = await held.request(index)
  return {
    downstream,
    events,
    feed: (text) => void client.send(contentLength === -1 ? `${text.length.toString(16)}\r\n${text}\r\n` : text),
    feedEnd: (trailers = []) => void (contentLength === -1 && client.send(`0\r\n${lines(trailers)}\r\n`)),
    leave(why: Gone) {
      if (why === 'closed') client.close()
      // Silence is what the client does anyway: its body's time runs out.
      else if (why === 'malformed') client.send('no chunk\r\n')
    },
    block: () => void client.peer.socket.pause(),
    unblock: () => void client.peer.socket.resume(),
    async answer(): Promise<SeenAnswer> {
      const informationals: (readonly [number, FlatHeaders])[] = []
      for (;;) {
        const seen = await client.answer(method)
        if (seen.status >= 200) return { ...seen, informationals }
        informationals.push([seen.status, seen.headers])
      }
    },
  }
}
