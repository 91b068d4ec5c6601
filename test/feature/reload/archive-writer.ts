/** Keeps one config after another in the folder that it is given, until it is killed. */
import { Archive } from '../../../src/control/operations/reload/archive.ts'
import { systemRandom } from '../../../src/lib/random.ts'

const archive = new Archive(process.argv[2] as string)
const text = 'x'.repeat(200_000)
const main = '/etc/sluice.yaml'
const random = systemRandom()
for (let i = 0; ; i++) {
  const hash = `${process.pid}-${i}`
  const savedAt = new Date().toISOString()
  await archive.keep({ hash, savedAt, source: 'files', main, documents: { main: `${text}#${i}` } }, random)
  process.send?.((await archive.latest())?.number)
}
