/** Keeps one config after another in the state file that it is given, until it is killed. */
import { Archive } from '../../../src/control/operations/reload/archive.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { createLog } from '../../../src/lib/log.ts'
import { openState } from '../../../src/stores/stores.ts'

const log = createLog((line) => process.stderr.write(line), systemClock)
const { store } = await openState(process.argv[2] as string, { clock: systemClock, log })
const archive = new Archive(store)
// Two parts.
const text = 'x'.repeat(1_200_000)
const main = '/etc/sluice.yaml'
for (let i = 0; ; i++) {
  const hash = `${process.pid}-${i}`
  const savedAt = new Date().toISOString()
  const failed = await archive.keep({ hash, savedAt, source: 'files', main, documents: { main: `${text}#${i}` } })
  if (failed === undefined) process.send?.(hash)
}
