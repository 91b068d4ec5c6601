import { systemClock } from '../../src/lib/clock.ts'
import { Concurrency, DrillEndpoint } from '../../src/tools/drill/endpoint.ts'

/** Of endpoint-process.ts: tells its port, then its requests whenever it is asked. */
const [port, serviceMs] = process.argv.slice(2).map(Number) as [number, number]
const endpoint = await new DrillEndpoint(systemClock, { serviceMs }, new Concurrency(), port).start()
process.on('message', async () => process.send?.(await endpoint.received()))
process.on('disconnect', () => process.exit())
process.send?.(endpoint.port)
