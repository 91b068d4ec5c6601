import { expect, test } from 'vitest'
import { FAILURES } from '../../src/core/failures.ts'
import { ABANDONED, FAILED, IGNORED, TIMED_OUT, UNSENT } from '../../src/core/lessons.ts'
import { RULES } from '../../src/data/ingress/common/rules.ts'
import { read } from './files.ts'

interface Documented {
  readonly reason: string
  readonly facts: string
  readonly text: string
}

const sections: readonly Documented[] = read('docs/failures.md')
  .split(/^### /m)
  .slice(1)
  .map((part) => {
    const [heading = '', , facts = '', , ...text] = part.split('\n')
    return { reason: heading.replaceAll('`', ''), facts, text: text.join('\n').trim() }
  })

const LESSONS = new Map([
  [FAILED, 'failed'],
  [TIMED_OUT, 'timed out'],
  [ABANDONED, 'abandoned'],
  [IGNORED, 'ignored'],
  [UNSENT, 'unsent'],
])

test('docs/failures.md has a section for every reason, in the order of the table, and for no other', () => {
  expect(sections.map(({ reason }) => reason)).toEqual(Object.keys(FAILURES))
})

test.each(Object.entries(FAILURES))(
  'the section of %s says status, error type, whose fault it is and whether to retry',
  (reason, row) => {
    const section = sections.find((candidate) => candidate.reason === reason)
    const status = row.proxyStatus === undefined ? `${row.status}, never sent` : String(row.status)
    const type = row.proxyStatus === undefined ? [] : [`\`${row.proxyStatus}\``]
    const blame = [`fault: ${row.fault}`, `attempt: ${LESSONS.get(row.teaches)}`]
    expect(section?.facts.split(' · ')).toEqual([status, ...type, ...blame, ...(row.retryable ? ['retryable'] : [])])
    expect(section?.text.length).toBeGreaterThan(40)
  },
)

test('docs/failures.md tells every rule of a listener as the code does', () => {
  const rows = [...read('docs/failures.md').matchAll(/^\| `([a-z0-9_]+)` \| (.+) \|$/gm)].map(([, rule, what]) => [
    rule,
    what,
  ])
  const told = Object.fromEntries(rows.filter(([rule]) => Object.hasOwn(RULES, rule as string)))
  expect(told).toEqual(RULES)
})
