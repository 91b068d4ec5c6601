import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect as http2Connect } from 'node:http2'
import { connect as tlsConnect } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { type Gate, gate, HTTP1_SERVERS } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const run = promisify(execFile)

describe.each(HTTP1_SERVERS)('http1: %s', (http1) => {
  let held: Gate
  afterEach(() => held.stop())
  const start = async (): Promise<Gate> => {
    held = await gate(undefined, { http1 })
    return held
  }

  test('a client of TLS learns that this is plain HTTP', async () => {
    const { port } = await start()
    const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ERR_SSL_WRONG_VERSION_NUMBER')
    await until(() => held.listener.connections === 0)
    expect([held.faults, held.handled]).toEqual([['tls'], []])
    expect(held.malformedInputs[0]?.detail).toContain('use http://')
  })

  test('a client of HTTP/2 learns that HTTP/1.1 is required, and that nothing was processed', async () => {
    const { port } = await start()
    const session = http2Connect(`http://127.0.0.1:${port}`)
    const failed: unknown[] = []
    const stream = session.request({ ':path': '/' })
    for (const one of [session, stream]) one.on('error', (error) => failed.push(error))
    const [code, last] = (await once(session, 'goaway')) as [number, number]
    // RFC 9113, section 7: HTTP_1_1_REQUIRED.
    expect([code, last]).toEqual([0x0d, 0])
    session.destroy()
    await until(() => held.listener.connections === 0)
    expect([held.faults, held.handled]).toEqual([['http2'], []])
  })

  test('curl tells the same', async () => {
    const { port } = await start()
    const url = `http://127.0.0.1:${port}/`
    const { stdout } = await run('curl', ['-s', '--http1.1', url])
    expect(stdout).toBe('ok')
    const refused = await run('curl', ['-sSv', '--http2-prior-knowledge', url]).catch((error) => error)
    expect(refused.code).not.toBe(0)
    expect(held.faults).toEqual(['http2'])
    const secure = await run('curl', ['-sSv', `https://127.0.0.1:${port}/`]).catch((error) => error)
    expect(secure.stderr).toContain('wrong version number')
  })

  test('the preface is recognised wherever it is cut; what only begins so is judged as HTTP/1', async () => {
    await start()
    for (let cut = 1; cut < PREFACE.length; cut++) {
      const client = await held.client()
      client.send(PREFACE.slice(0, cut))
      await settle(1)
      client.send(PREFACE.slice(cut))
      await client.ended()
      expect(client.rest.length).toBe(26)
    }
    expect(held.faults).toEqual(new Array(PREFACE.length - 1).fill('http2'))
    const client = await held.client()
    for (const octet of 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx') {
      client.send(octet)
      await settle(1)
    }
    expect((await client.answer()).status).toBe(200)
    const other = await held.client()
    other.send('PRI')
    await settle(5)
    other.peer.end()
    expect((await other.answer()).status).toBe(400)
  })

  test('a request is not read twice, nor in another order, where more comes at once', async () => {
    await start()
    const client = await held.client()
    client.send('P')
    await settle(5)
    const get = (i: number): string => `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`
    client.send(`OST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${get(1)}${get(2)}`)
    for (let i = 0; i < 3; i++) expect((await client.answer()).status).toBe(200)
    expect(held.handled.map(({ downstream }) => downstream.target)).toEqual(['/0', '/1', '/2'])
  })
})
