import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Peer } from '../contract.ts'
import { versionOf } from '../machine.ts'

export const haproxy: Peer = {
  name: 'haproxy',
  native: true,
  about: 'Debian package; one thread, http-reuse always, no log',
  version: () => versionOf('haproxy', '-v'),
  async launch({ folder, port, backendPort }) {
    await mkdir(folder, { recursive: true })
    const file = join(folder, 'haproxy.cfg')
    await writeFile(
      file,
      `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option forwardfor
  http-reuse always
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:${port}
  default_backend backend
backend backend
  server one 127.0.0.1:${backendPort}
`,
    )
    return { command: 'haproxy', args: ['-db', '-q', '-f', file] }
  },
}
