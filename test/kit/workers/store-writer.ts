import { systemClock } from '../../../src/lib/clock.ts'
import { StoreClient } from '../../../src/stores/calls/client.ts'
import { Hints } from '../../../src/stores/calls/hints.ts'
import { SqliteStore, sqliteEntry } from '../../../src/stores/sqlite/sqlite-store.ts'

/**
 * A process that writes to a store as fast as it takes it, and says which writes were acknowledged. Arguments: the file,
 * how many are in flight, bytes of a value. Its lines: `opened`, or `refused WHY`; then the number of each write.
 */
const [file = '', inFlight = '64', bytes = '200'] = process.argv.slice(2)
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const engine = await SqliteStore.open({
  file,
  bytes: 256 * 1_048_576,
  deadlineMs: 30_000,
  entry: sqliteEntry(),
  clock: systemClock,
  log,
})

let next = 0
const said: string[] = []

function say(line: string): void {
  // In one piece per turn: a pipe takes it at once, or the process is told to wait.
  if (said.push(line) === 1) setImmediate(() => process.stdout.write(`${said.splice(0).join('\n')}\n`))
}

async function write(store: StoreClient): Promise<void> {
  for (;;) {
    const number = next++
    const answer = await store.put(`${number}`, Buffer.alloc(Number(bytes), `${number} `))
    if (!('version' in answer)) throw new Error(JSON.stringify(answer))
    say(`${number} ${answer.version}`)
  }
}

if ('refused' in engine) say(`refused ${engine.refused}`)
else {
  say('opened')
  const store = new StoreClient(engine.send, new Hints(() => {}), '')
  await Promise.all(Array.from({ length: Number(inFlight) }, () => write(store)))
}
