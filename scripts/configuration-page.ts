import type { KeyDoc, KeyDocs } from '../src/config/language/key-docs.ts'
import { FAILURE_VALUES, REQUEST_VALUES } from '../src/http/template.ts'
import { about, keyTable } from './key-table.ts'

const INTRODUCTION = `# Configuration

One YAML file holds everything. This page is generated from the definitions that check the file (\`npm run docs\`), so it
cannot differ from what Sluice does. \`sluice schema\` prints the same as JSON Schema; for completion in editors put this
into the first line: \`# yaml-language-server: $schema=./sluice.schema.json\`.

\`\`\`yaml
apiVersion: sluice/v1
listeners:
  web:
    listen: 0.0.0.0:8080
upstreams:
  orders:
    endpoints:
      - http://10.0.0.1:8080
      - http://10.0.0.2:8080
routes:
  orders:
    match:
      path: /orders/*
    to: orders
\`\`\`

More files to start from are in [config/examples](../config/examples).

## Values

- **Durations** have a unit: \`250ms\`, \`5s\`, \`2m\`, \`1h\`, \`1d\`. **Sizes** too: \`16kB\` and \`1MB\` count in thousands,
  \`64KiB\` and \`1MiB\` in 1024s. **Ratios** are \`50%\` or \`0.5\`. A bare number where a unit is needed is an error.
- **Header, query and body values** take the text as it is written: \`x-version: 1.10\` stays \`1.10\`.
- **\`off\`** (or \`false\`) switches off a policy, a limit or a duration, where this page says "or off". A key without a
  value (null) is an error: leave the key out for its default.
- **Environment**: \`\${NAME}\` and \`\${NAME:-default}\` stand for values of the environment, in any value, quoted or not;
  the default also counts for an empty value. \`$\${\` stands for the characters \`\${\`. A name that is not set and has no
  default is an error. A value that is one \`\${NAME}\` and nothing else is what its text looks like, a number or a boolean
  too, in quotes as well: inside \`{ }\` it must be quoted. Keys are never replaced. The environment is read once, at the start.
- **Secrets** are never written into the file. They are references: \`{ file: PATH }\` or \`{ env: NAME }\`.
- **Files** are named relative to the config file.
- **Versions**: without \`apiVersion\` the newest is meant; older files load, too: see [migrating.md](migrating.md).
- **Names** of listeners, upstreams, profiles and routes have at most 128 letters, digits, \`.\`, \`-\` and \`_\`.
  Top-level keys that start with \`x-\` are free, for YAML anchors.

## Values of requests in texts

Values of \`headers\` and texts of \`respond\` and \`fallback\` may name values of the request that they answer:
\`x-id: "{request.id}"\`. Only the names of this table in braces are values; all other braces are text, so JSON and style sheets
stay what they are. \`{{request.id}}\` is the text \`{request.id}\`. A name that is none of these, but looks like one of them, is an
error. Values are escaped for where they stand: in a body by its content type (plain text, JSON, HTML, XML; no other body takes
them), in header fields by percent-encoding. Paths of \`rewrite\` and \`redirect\` name parameters of the route's path: \`/v2/{id}\`.

${valuesTable()}
## Defaults, profiles and merging

A route is built from four layers, each on top of the one before: the built-in defaults of this page, \`defaults.route\`,
the profiles in \`use\` in their order, and the route itself. Upstreams have the built-in defaults and
\`defaults.upstream\`. Maps merge key by key. Lists, \`off\`, \`match\`, \`to\`, \`redirect\` and \`respond\` replace what is below.

## Which route gets a request

The order in the file has no say. Among the routes that match, this decides, in this order:

1. \`precedence\`: the higher one.
2. Host: exact, then the longest wildcard, then any. \`*.example.com\` is one or more labels before it, never
   \`example.com\` itself. Hosts are compared without port, case and trailing dot.
3. Path, segment by segment: literal, then parameter (\`{id}\`), then \`*\`, then regular expression. \`/orders/*\` matches
   \`/orders\`, \`/orders/\` and \`/orders/x\`, never \`/ordersx\`.
4. Method: named, then any. \`GET\` stands for \`HEAD\` too.
5. The number of conditions on headers and query.

Two routes between which nothing of this decides are an error that names both. A request whose host and path match a
route but whose method matches none gets 405; one that matches nothing gets 404.

A route has exactly one of \`to\`, \`redirect\` and \`respond\`.

## Mistakes

\`sluice check FILE…\` tells all that is wrong in a file at once, each mistake with its line and a caret:

\`\`\`
sluice.yaml:16:13: routes.orders.match.path: "orders" is not a path such as /orders, …: it must start with a slash: /orders
  16 |       path: orders
     |             ^
sluice.yaml:20:16: routes.orders.timeouts.request: "3" is not a duration such as 250ms, …; a unit is missing: write 3ms or 3s
  20 |       request: 3
     |                ^
sluice.yaml:24:5: routes.old.host: unknown key; did you mean match.host?
  24 |     host: old.example.com
     |     ^
\`\`\`

Then it warns of what is valid, but has an effect that cannot be intended: see [lints.md](lints.md).

| exit code | of \`sluice check\` |
|---|---|
| 0 | No errors. Warnings are printed. |
| 2 | Errors; with \`--strict\` also warnings. \`sluice run\` ends with it too, before it listens. |
| 64 | The command line itself is wrong. |

For tools \`--json\` prints a list of \`{ severity, file, line, column, path, message }\` (and \`lint\` for warnings) on standard
output, \`--sarif\` a SARIF 2.1.0 log, and \`--github\` annotations for GitHub Actions. Lines that may hold a secret are never
quoted. Keys that a later version will know are errors, too: nothing is ignored silently.

Traps of YAML that are told with a hint:

- A value that starts with \`*\`, \`&\`, \`@\`, \`%\` or a backtick must be quoted: \`host: "*.example.com"\`.
- Inside \`{ }\` and \`[ ]\` a value with \`{\`, \`}\` or \`,\` must be quoted: \`{ path: "/users/{id}" }\`, and so must
  \`"\${NAME}"\`. Written as a block it need not.
- Tabs never indent.
- \`yes\`, \`no\`, \`on\` are text in YAML 1.2: write \`true\` and \`false\`.
- In "double quotes" a backslash starts an escape; write regular expressions in 'single quotes'.
- A file is one document in UTF-8, with at most 16 MiB, 100 levels and, aliases expanded, 1,000,000 values.

# Keys

`

/** docs/configuration.md as one text. */
export function configurationPage({ keys, later }: KeyDocs): string {
  const sections = new Map<string, KeyDoc[]>([['', []]])
  for (const key of keys) {
    if (opensSection(key)) sections.set(key.path, [])
    else sections.get(sectionOf(key.path, sections))?.push(key)
  }
  let page = INTRODUCTION
  for (const [path, rows] of sections) {
    const own = keys.find((key) => key.path === path)
    page += own === undefined ? '## Top level\n\n' : `${heading(own)}\n\n${own.doc}${about(own)}\n\n`
    if (rows.length > 0) page += keyTable(rows)
    page += notYet(later, path, sections)
  }
  return `${page.trimEnd()}\n`
}

/** Groups of the top level, and those directly below a name, have sections of their own. */
function opensSection({ path, group }: KeyDoc): boolean {
  return group && /^\w+(\.NAME\.\w+)?$/.test(path)
}

function sectionOf(path: string, sections: ReadonlyMap<string, unknown>): string {
  const steps = path.split('.')
  for (let length = steps.length - 1; length > 0; length--) {
    const candidate = steps.slice(0, length).join('.').replace(/\[\]$/, '')
    if (sections.has(candidate)) return candidate
  }
  return ''
}

function heading({ path }: KeyDoc): string {
  return `${path.includes('.') ? '###' : '##'} \`${path}\``
}

/** Keys that are refused with a word on later versions. */
function notYet(later: KeyDocs['later'], path: string, sections: ReadonlyMap<string, unknown>): string {
  const names = [...later].flatMap(([at, keys]) => {
    const map = at.replaceAll('[]', '')
    const own = sections.has(map) ? map : map.replace(/\.NAME$/, '')
    return (sections.has(own) ? own : sectionOf(map, sections)) === path
      ? keys.map((key) => (at === '' ? key : `${at}.${key}`))
      : []
  })
  return names.length === 0 ? '' : `Not in this version: ${names.map((name) => `\`${name}\``).join(', ')}.\n\n`
}

function valuesTable(): string {
  const rows = Object.entries(FAILURE_VALUES).map(([name, { doc }]) => {
    const where = Object.hasOwn(REQUEST_VALUES, name) ? '' : ' In `fallback` only.'
    return `| \`{${name}}\` | ${doc}${where} |\n`
  })
  const params = "| `{params.NAME}` | The parameter NAME of the route's path, as it stands in the path. |\n"
  return `| value | |\n|---|---|\n${rows.join('')}${params}`
}
