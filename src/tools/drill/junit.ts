import type { DrillVerdict } from './verdict.ts'

/** A scenario that was run against one upstream, or why it was not. */
export interface DrillResult {
  readonly upstream: string
  readonly scenario: string
  readonly verdicts: readonly DrillVerdict[]
  readonly skipped?: string
}

/** Results as JUnit XML: a test case for each expectation. */
export function junit(results: readonly DrillResult[]): string {
  const cases = results.flatMap(({ upstream, scenario, verdicts, skipped }) => {
    const named = (name: string): string =>
      `<testcase classname="${xml(`${upstream}.${scenario}`)}" name="${xml(name)}"`
    if (skipped !== undefined) return [`${named(scenario)}><skipped message="${xml(skipped)}"/></testcase>`]
    return verdicts.map(({ what, expected, seen, ok }) => {
      return ok
        ? `${named(what)}/>`
        : `${named(what)}><failure message="${xml(`expected ${expected}, seen ${seen}`)}"/></testcase>`
    })
  })
  const all = results.flatMap(({ verdicts }) => verdicts)
  const counts = `tests="${cases.length}" failures="${all.filter(({ ok }) => !ok).length}" skipped="${cases.length - all.length}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${counts}>
<testsuite name="sluice drill" ${counts}>
${cases.join('\n')}
</testsuite>
</testsuites>
`
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
