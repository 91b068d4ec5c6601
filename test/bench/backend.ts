import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Launch } from './contract.ts'
import { nginxShell } from './nginx.ts'
import { FILES } from './scenarios.ts'

/**
 * What every peer forwards to, and sends spans to: nginx with static answers. `/post` answers only when the whole body has arrived: a
 * `return` would answer before, and judge gateways by how they take that.
 */
export async function backend(folder: string, port: number): Promise<Launch> {
  await mkdir(join(folder, 'files'), { recursive: true })
  for (const [name, bytes] of Object.entries(FILES)) {
    await writeFile(join(folder, 'files', name), JSON.stringify({ filler: 'x'.repeat(bytes - 13) }))
  }
  const socket = join(folder, 'self.sock')
  return nginxShell(
    folder,
    `open_file_cache max=100;
    upstream self { server unix:${socket}; keepalive 64; keepalive_requests 1000000000; }
    server { listen unix:${socket}; location / { return 200 '{"ok":true}'; } location /v1/ { return 204; } }
    server {
      listen 127.0.0.1:${port};
      default_type application/json;
      root ${join(folder, 'files')};
      location = /post {
        proxy_pass http://self;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_method GET;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
      }
      location = /v1/traces {
        proxy_pass http://self;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        client_max_body_size 8m;
      }
      location / { rewrite ^/service-[0-9]+/(.*)$ /$1 break; }
    }`,
  )
}
