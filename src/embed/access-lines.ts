import type { DataSideOptions } from '../control/data-side-options.ts'
import { LogDrain } from '../control/seeing/log/log-drain.ts'
import type { Clock, ClockHandle } from '../lib/clock.ts'

/** A ring holds the lines of this time, milliseconds. */
const ROUND_MS = 50

/** Hands the lines of access logs to a function in this thread, without their line feeds. */
export function handingLines(take: (line: string) => void, clock: Clock): NonNullable<DataSideOptions['startLogs']> {
  return (rings, onError) => {
    let begun = ''
    const drain = new LogDrain(rings, (bytes) => {
      const lines = (begun + Buffer.from(bytes).toString('latin1')).split('\n')
      begun = lines.pop() as string
      for (const line of lines) {
        try {
          take(line)
        } catch (error) {
          onError(error)
        }
      }
      return bytes.length
    })
    let timer: ClockHandle
    const round = (): void => {
      drain.round()
      timer = clock.after(ROUND_MS, round)
    }
    round()
    return {
      async stop() {
        clock.cancel(timer)
        drain.round()
      },
    }
  }
}
