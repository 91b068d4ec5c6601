import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { DrillScenario } from '../../src/tools/drill/scenario.ts'
import { expectedText } from '../../src/tools/drill/verdict.ts'
import { CATALOGUE, type Chaos } from './catalogue.ts'

/** The page that is made from the scenarios. */
export const PAGE = fileURLToPath(new URL('../../docs/failure-modes.md', import.meta.url))

const INTRODUCTION = `# Failure modes

What Sluice does in each of these failures, in numbers. This page is generated (\`npm run chaos -- --docs\`) from the scenarios
that are run against the real gateway process with real sockets, so it cannot differ from what is tested:

- \`npm test\` runs a short form of each, under a part of the load, and asserts everything that can be counted.
- \`npm run chaos\` runs them at full length and prints what is expected beside what was seen. There, times are judged too:
  medians, against a calm phase of the same run. \`npm run chaos -- NAME…\` runs some of them; \`--runs N\` takes more runs.

Scenarios run with short times (ejection, open time of the circuit breaker), so that recovery can be watched; all keys that
differ from the defaults are shown. Why an answer failed is explained in [failures.md](failures.md); what is promised beyond
these scenarios in [guarantees.md](guarantees.md); how nginx and HAProxy fare in the same failures in
[failure-comparison.md](failure-comparison.md).

`

export function failureModesPage(): string {
  const list = CATALOGUE.map(({ about }) => `- [${about.title}](#${about.name})`).join('\n')
  return `${INTRODUCTION}${list}\n\n${CATALOGUE.map(section).join('\n')}`
}

function section({ about, drill }: Chaos): string {
  const rows = about.expected.map(
    (expectation) => `| ${expectation.what} | ${expectedText(expectation)} | ${expectation.kind} |`,
  )
  return `## \`${about.name}\`

**${about.title}.** ${about.topology}

What happens: ${about.fault}

Recovery: ${about.recovery}

| | expected | |
|---|---|---|
${rows.join('\n')}
${drill === undefined ? '' : config(drill)}`
}

/** What differs from the defaults. */
function config({ upstreams, routes }: DrillScenario): string {
  const options = Object.fromEntries(
    Object.entries(upstreams).flatMap(([name, plan]) => (plan.options === undefined ? [] : [[name, plan.options]])),
  )
  const shown = { ...(Object.keys(options).length > 0 ? { upstreams: options } : {}), routes }
  return `\n\`\`\`yaml\n${stringify(shown, { singleQuote: false })}\`\`\`\n`
}
