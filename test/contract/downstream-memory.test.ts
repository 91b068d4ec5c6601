import { MemoryDownstream } from '../../src/data/ingress/memory.ts'
import { Events } from '../kit/ingress.ts'
import { until } from '../kit/until.ts'
import type { Scene, SceneRequest, SeenAnswer, Stage } from './downstream/scene.ts'
import { describeDownstream } from './downstream.ts'

const PEER = { address: '127.0.0.1', port: 50_000, localPort: 8080, secure: false, listener: 'web' }

describeDownstream(
  'in memory',
  async (): Promise<Stage> => ({ open: async (request = {}) => openScene(request), stop: async () => {} }),
  { upgrade: 'it has no connection' },
)

function openScene(request: SceneRequest): Scene {
  const { method = 'GET', target = '/', headers = [], contentLength = 0, protocol = 'HTTP/1.1' } = request
  const downstream = new MemoryDownstream({
    method,
    target,
    headers,
    contentLength,
    protocol,
    host: 'shop.test',
    peer: PEER,
  })
  const events = new Events()
  downstream.attach(events)
  return {
    downstream,
    events,
    feed: (text) => downstream.feed(Buffer.from(text, 'latin1')),
    feedEnd: (trailers) => downstream.feedEnd(trailers),
    leave: (why) => downstream.leave(why),
    block: () => downstream.block(),
    unblock: () => downstream.unblock(),
    async answer(): Promise<SeenAnswer> {
      await until(() => downstream.state !== 'open')
      return {
        status: downstream.status,
        headers: downstream.answerHeaders,
        body: downstream.answer.toString('latin1'),
        complete: downstream.state === 'sent',
        trailers: downstream.answerTrailers,
        informationals: downstream.informationals,
      }
    },
  }
}
