import { ANNOTATIONS } from '../src/tools/import/ingress/annotations.ts'
import { DIRECTIVES, type DirectiveRule } from '../src/tools/import/nginx/directives.ts'

const INTRODUCTION = `
# Importing

\`\`\`sh
sluice import nginx /etc/nginx/nginx.conf > sluice.yaml
sluice import ingress ingress.yaml > sluice.yaml
\`\`\`

A Sluice file goes to standard output; it passes \`sluice check\`, and each part names the line that it comes from. What
could not be carried over, or not as it was, is listed on standard error, one line each:
\`nginx.conf:42: gzip on: Sluice compresses nothing; do it in the service or in front\`. With \`--json\` both go to standard
output as \`{ "config": …, "left": [{ "file", "line", "what", "why" }] }\`.

| exit code | of \`sluice import\` |
|---|---|
| 0 | Everything was carried over. |
| 1 | Something was listed. |
| 2 | The file cannot be read as what it should be. |
| 64 | The command line itself is wrong. |

**What was closed stays closed.** Where something decides who may come in and Sluice cannot say it, the routes answer 403 to
all clients, and the list says so. Where nginx does something that a gateway does not do (files, FastCGI), they answer 501, so
that the requests don't reach another upstream instead.

## What is different for all

- Paths match in whole segments: \`/api\` never takes \`/apis\`. What that changes is listed. \`.\` and \`..\` in paths are
  refused (400), and \`//\` stays as it is; nginx resolves both.
- Each port is a listener. Where the servers of an nginx differ in their ports, their routes name theirs in
  \`match.listeners\`. A port with TLS becomes a listener without it on 127.0.0.1, 8000 above it (443 → 8443): redirects to
  https stay what they are on port 80, and the proxy that ends TLS in front sends on to the other. A server that has only one
  address of a port, of which another server takes all, is listed and left out.
- An \`if\` of a server that does nothing but redirect, by \`$host = NAME\` (certbot writes that) or \`$scheme = http\`, is
  carried over; other conditions are listed.
- Host goes on as the client sent it, where nginx's \`$host\` is in lower case and has no port.
- \`X-Forwarded-*\` of clients are believed only from \`trust.proxies\`; Sluice always sends them.
- Paths that no location takes get 404 where nginx would look for files.
- Answers that Sluice makes are problem documents; those of \`return\` without a text have no body.
- \`drain.timeout\` is as long as the longest request may take, since nginx lets requests finish; whatever ends the process
  (such as \`terminationGracePeriodSeconds\`) must wait longer than that and \`drain.delay\` together.
- With hashing each key still goes to one endpoint, though perhaps another one than before.
- Sluice's own protections stay on: circuit breaker, bulkhead, outlier detection, retry budget. Bodies have no bound.

## nginx

Files named by \`include\` are read, relative ones from the folder of the main file. Locations are ranked as nginx does:
exact, \`^~\`, regular expressions in their order, longest prefix; where Sluice's own ranking differs, routes get a
\`precedence\`. A test sends the same requests through a real nginx and through Sluice on what was imported of it.

| directives | become |
|---|---|
`

const INGRESS = `
Everything else is listed as not known.

## Kubernetes Ingress

Every \`Ingress\` of \`networking.k8s.io/v1\` in the file, in Lists too, as ingress-nginx reads it. Services are reached by their
name (\`orders.shop.svc:8080\`; named ports by SRV records), so that the Service balances; make it headless for Sluice to see
the pods. Once one path of a host is a regular expression, its paths are asked by length, as ingress-nginx does. TLS is listed:
it ends in front.

| annotation of \`nginx.ingress.kubernetes.io/\` | becomes |
|---|---|
`

const WORDS: Readonly<Record<DirectiveRule['kind'], string>> = {
  carried: '',
  needless: 'nothing to do: ',
  left: 'listed: ',
  restricts: 'listed, and closed (403): ',
}

/** The part of `docs/migrating.md` on imports. */
export function importPage(): string {
  const rows = Map.groupBy(DIRECTIVES, ([, { becomes, kind }]) => WORDS[kind] + becomes)
  const directives = [...rows].map(([becomes, names]) =>
    row(
      names.map(([name]) => name),
      becomes,
    ),
  )
  const annotations = Map.groupBy(Object.entries(ANNOTATIONS), ([, { becomes }]) => becomes)
  const more = [...annotations].map(([becomes, names]) =>
    row(
      names.map(([name]) => name),
      becomes,
    ),
  )
  return `${INTRODUCTION}${directives.join('')}${INGRESS}${more.join('')}`
}

function row(names: readonly string[], becomes: string): string {
  return `| ${names.map((name) => `\`${name}\``).join(', ')} | ${becomes} |\n`
}
