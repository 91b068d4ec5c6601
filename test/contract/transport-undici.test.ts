import { undiciTransport } from '../../src/data/upstreams/transports/undici.ts'
import { describeTransport } from './transport.ts'

describeTransport('undici', undiciTransport, {
  'an unsolicited 100 is passed over': 'undici takes it for a bad response and breaks the connection',
  'HTTP/2 version is refused': 'undici takes the version and does not show it',
})
