import type { Peer } from '../contract.ts'
import { versionOf } from '../machine.ts'
import { nginxShell } from '../nginx.ts'

export const nginx: Peer = {
  name: 'nginx',
  native: true,
  about: 'Debian package; one worker, upstream keep-alive 64, no access log',
  version: () => versionOf('nginx', '-v'),
  launch: ({ folder, port, backendPort }) =>
    nginxShell(
      folder,
      `upstream backend { server 127.0.0.1:${backendPort}; keepalive 64; keepalive_requests 1000000000; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://backend;
          proxy_http_version 1.1;
          proxy_max_temp_file_size 0;
          proxy_set_header Connection "";
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
      }`,
    ),
}
