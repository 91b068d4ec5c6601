/** `npm run fuzz:http1 -- --cases N --seed S`: our own server and node:http over the same bytes, see docs/architecture.md. */
import { parseArgs } from 'node:util'
import { differential } from '../test/kit/http1-differential.ts'

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
})
const { differences, ...counts } = await differential(Number(values.cases), Number(values.seed))
process.stdout.write(`${JSON.stringify({ ...counts, differences: differences.length }, undefined, 2)}\n`)
for (const difference of differences.slice(0, 10)) process.stdout.write(`${JSON.stringify(difference, undefined, 2)}\n`)
if (differences.length > 0) process.exitCode = 1
process.exit()
