import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { checkAddress, reusePortWorks } from '../../../src/control/machine/sockets.ts'

test('a busy port is seen even if its owner shares it, and the error says what to change', async () => {
  for (const reusePort of [false, await reusePortWorks()]) {
    const server = createServer().listen({ host: '127.0.0.1', port: 0, reusePort })
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await expect(checkAddress('127.0.0.1', port, 'listeners.web.listen')).rejects.toThrow(
      `listeners.web.listen: cannot listen on 127.0.0.1:${port}: port ${port} is in use; change listeners.web.listen`,
    )
    server.close()
    await once(server, 'close')
    await checkAddress('127.0.0.1', port, 'listeners.web.listen')
  }
})

test('an address of another machine is told from a busy port', async () => {
  await expect(checkAddress('192.0.2.1', 8080, 'listeners.web.listen')).rejects.toThrow(
    'cannot listen on 192.0.2.1:8080: this machine does not have that address',
  )
})

test('port 0 is always fine', async () => {
  await checkAddress('127.0.0.1', 0, 'listeners.web.listen')
})
