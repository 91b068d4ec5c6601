import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Launch } from './contract.ts'

/** nginx with one worker and no access log, all of its files in `folder`; `http`: what stands in its http block. */
export async function nginxShell(folder: string, http: string): Promise<Launch> {
  await mkdir(folder, { recursive: true })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(' ')
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  ${temporary}
  ${http}
}
`,
  )
  return { command: 'nginx', args: ['-p', folder, '-c', file] }
}
