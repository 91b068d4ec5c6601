import { describe, expect, it } from 'vitest'
import { runPinned } from '../../bench/child.ts'
import { pace } from '../../bench/load.ts'
import { testUpstream } from '../../kit/upstream.ts'
import { skipWithoutTools } from './tools.ts'

const never = new AbortController().signal
const target = (port: number, connections: number, postBytes?: number) => {
  const scenario = { name: 's', path: '/x', connections, ...(postBytes === undefined ? {} : { postBytes }) }
  const peer = { name: 'p', about: '', launch: () => Promise.reject(), version: () => Promise.reject() }
  return { core: 0, port, peer, scenario, signal: never }
}

describe('load at a fixed rate', () => {
  it('counts the time that requests waited for those before them', async ({ skip }) => {
    await skipWithoutTools(skip)
    const holdMs = 30
    const upstream = await testUpstream(
      (_, res) => void setTimeout(() => res.setHeader('content-length', 4).end('late'), holdMs),
    )
    try {
      // One connection serves at most 33 a second: a tool that waits for answers would never see more than `holdMs`.
      const { p99, errors } = await pace(target(upstream.port, 1), 50, 1)
      expect(errors).toBe(0)
      expect(upstream.seen).toHaveLength(50)
      expect(p99).toBeGreaterThan(5 * holdMs)
    } finally {
      await upstream.close()
    }
  })

  it('counts errors apart from the times', async ({ skip }) => {
    await skipWithoutTools(skip)
    const upstream = await testUpstream((req, res) => {
      const turn = upstream.seen.length % 4
      if (turn === 0) req.socket.destroy()
      else if (turn === 1) res.writeHead(503, { 'content-length': 0 }).end()
      else if (turn === 2) res.write('chunked')
      else res.writeHead(200, { 'content-length': 100 }).write('broken', () => req.socket.destroy())
    })
    try {
      const { p50, errors } = await pace(target(upstream.port, 4), 20, 1)
      expect(errors).toBe(20)
      expect(p50).toBeNull()
    } finally {
      await upstream.close()
    }
  })

  it('sends bodies', async ({ skip }) => {
    await skipWithoutTools(skip)
    const upstream = await testUpstream()
    try {
      upstream.script = (req, res) => void req.on('end', () => res.setHeader('content-length', 2).end('ok'))
      expect((await pace(target(upstream.port, 4, 1024), 10, 1)).errors).toBe(0)
      expect(upstream.seen.map(({ method, body }) => `${method} ${body.length}`)).toEqual(Array(10).fill('POST 1024'))
    } finally {
      await upstream.close()
    }
  })
})

describe('a load tool', () => {
  it('is ended at its deadline', async ({ skip }) => {
    await skipWithoutTools(skip)
    await expect(runPinned(0, { command: 'sleep', args: ['60'] }, 100, never)).rejects.toThrow(/sleep ended with null/)
  })

  it('is ended when the bench is', async ({ skip }) => {
    await skipWithoutTools(skip)
    const stopped = new AbortController()
    const run = runPinned(0, { command: 'sleep', args: ['60'] }, 60_000, stopped.signal)
    stopped.abort(new Error('stopped'))
    await expect(run).rejects.toThrow('stopped')
  })
})
