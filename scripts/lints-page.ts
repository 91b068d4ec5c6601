import { BAD_IGNORE, lintsOf } from '../src/config/judge/lints/index.ts'
import { FEATURES } from '../src/features/index.ts'

type Documented = typeof BAD_IGNORE

const INTRODUCTION = `# Lints

What \`sluice check\` warns of in a config that is valid: it means something that cannot be intended. This page is generated
from the definitions of the lints (\`npm run docs\`), and a test runs every example of it.

A lint never keeps a config from being loaded; \`sluice check --strict\` ends with exit code 2 where one finds something.
Lints only look at a file without errors. The name of a lint stands in brackets at the end of its warning:

\`\`\`
sluice.yaml:9:26: warning: routes.orders.timeouts.request: nothing bounds the wait for an answer; … [unbounded-wait]
  9 |     timeouts: { request: off }
    |                          ^
\`\`\`

What only the running gateway can see is not among them: whether an upstream ends idle connections sooner than its
\`connections.keepAlive\` says. The gateway finds that out by itself, and tells it in the log (\`an upstream ends idle
connections sooner than connections.keepAlive\`), in \`sluice status\` and on the dashboard. A \`Keep-Alive: timeout\` that the
upstream sends is kept to, less one second.

## In CI

| | |
|---|---|
| \`sluice check --strict\` | warnings fail, too |
| \`sluice check --github\` | annotations at the lines of a pull request, for GitHub Actions |
| \`sluice check --sarif\` | SARIF 2.1.0 on standard output, for code scanning; each lint is a rule |
| \`sluice check --json\` | a list of \`{ severity, file, line, column, path, message, lint }\` |

## Silencing one

Where a warning is wrong for you, say so in the file, with a reason:

\`\`\`yaml
routes:
  poll:
    match: { path: /poll }
    to: orders
    # sluice-ignore unbounded-wait: clients end it themselves after a minute
    timeouts: { request: off }
\`\`\`

The comment \`# sluice-ignore NAME: reason\` silences one lint at one place. It stands at the end of the line of the warning,
or alone on the line above it, or above any key that the place stands under: above \`poll:\` it speaks for the whole route.
A comment that silences nothing, names no lint or gives no reason is a warning itself ([bad-ignore](#bad-ignore)).

`

/** docs/lints.md as one text. */
export async function lintsPage(): Promise<string> {
  const all = [...(await lintsOf(FEATURES)), BAD_IGNORE]
  const index = all.map(({ name, finds }) => `| [\`${name}\`](#${name}) | ${finds} |`)
  return `${INTRODUCTION}## The lints\n\n| name | finds |\n|---|---|\n${index.join('\n')}\n\n${all.map(section).join('\n')}`
}

function section({ name, finds, why, remedy, example, better }: Documented): string {
  const block = (yaml: string): string => `\`\`\`yaml\n${yaml}\`\`\`\n`
  return `### ${name}\n\n${finds}\n\n**Why.** ${why}\n\n**What to do.** ${remedy}\n\nFound:\n\n${block(example)}\nNot found:\n\n${block(better)}`
}
