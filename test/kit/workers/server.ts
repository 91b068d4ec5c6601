import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Of test/kit/server-process.ts: tells its port, then how much it served whenever it is asked. */
let served = 0
const server = createServer((_request, response) => {
  served++
  response.end('hello')
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => process.send?.(served))
