import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Peer } from '../contract.ts'
import { versionOf } from '../machine.ts'

export const caddy: Peer = {
  name: 'caddy',
  native: true,
  about: 'Debian package; reverse_proxy as it comes, no access log',
  version: () => versionOf('caddy', 'version'),
  async launch({ folder, port, backendPort }) {
    await mkdir(folder, { recursive: true })
    const file = join(folder, 'Caddyfile')
    await writeFile(
      file,
      `{
	admin off
	auto_https off
}
http://:${port} {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:${backendPort}
}
`,
    )
    return {
      command: 'caddy',
      args: ['run', '--adapter', 'caddyfile', '--config', file],
      env: { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
    }
  },
}
