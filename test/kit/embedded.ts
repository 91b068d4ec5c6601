import type { AddressInfo, Server } from 'node:net'
import type { ConfigObject } from 'sluice'

/** A config object with one listener, one upstream and one route for all; `more` is put over it. */
export function embeddedConfig(port: number, more: ConfigObject = {}): ConfigObject {
  return {
    apiVersion: 'sluice/v1',
    listeners: { web: { listen: '127.0.0.1:0' } },
    upstreams: { orders: { endpoints: [`http://127.0.0.1:${port}`] } },
    routes: { all: { match: { path: '/*' }, to: 'orders' } },
    ...more,
  }
}

/** Opens a server on 127.0.0.1; its port. */
export async function opened(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
