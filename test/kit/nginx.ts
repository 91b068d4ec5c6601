import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endChild } from './end-child.ts'
import { closedPort, tcpConnect } from './tcp.ts'
import { until } from './until.ts'
import { without } from './without.ts'

export function withoutNginx(): boolean {
  return without('nginx', '-v')
}

/** A real nginx that serves the files of a folder of its own. */
export class Nginx {
  readonly port: number
  /** What it serves. */
  readonly files: string
  private readonly child: ChildProcess
  private readonly folder: string

  /** Its configuration. */
  readonly conf: string

  constructor(child: ChildProcess, folder: string, port: number) {
    this.child = child
    this.folder = folder
    this.files = join(folder, 'files')
    this.conf = join(folder, 'nginx.conf')
    this.port = port
  }

  async stop(): Promise<void> {
    await endChild(this.child)
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Starts one on a free port of 127.0.0.1. `server`: more lines of its server block. */
export async function startNginx(server = ''): Promise<Nginx> {
  const types = 'types { text/html html; text/plain txt; application/octet-stream bin; }'
  return startNginxWith((port, files) => `${types} server { listen 127.0.0.1:${port}; root ${files}; ${server} }`)
}

/** Starts one with what stands in its http block. */
export async function startNginxWith(http: (port: number, files: string) => string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-nginx-'))
  await mkdir(join(folder, 'files'))
  const port = await closedPort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  ${http(port, join(folder, 'files'))}
}
`,
  )
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: 'inherit',
  })
  await until(
    () =>
      tcpConnect(port).then(
        (peer) => {
          peer.socket.destroy()
          return true
        },
        () => false,
      ),
    'nginx listens',
  )
  return new Nginx(child, folder, port)
}
