import { gate } from '../kit/ingress.ts'
import { sceneOver } from './downstream/scene-over.ts'
import { describeDownstream } from './downstream.ts'

describeDownstream('over node:http', async () => {
  const held = await gate(() => {}, { timeouts: { body: 1_000 }, halfClose: 'abort', http1: 'node' })
  return { open: (request = {}) => sceneOver(held, request), stop: () => held.stop() }
})
