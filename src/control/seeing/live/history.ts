import type { Row } from './rows.ts'

/** 15 minutes of a point every 5 s. */
export const STEP_MS = 5_000
const POINTS = 180

/** A row and when it was seen, milliseconds since the epoch. */
export type HistoryPoint = readonly [at: number, ...row: (number | null)[]]

/**
 * The latest 15 minutes of rows by name, in rings of Float32. Bounded: 180 points of 13 fields are 9.4 kB, so that 1,000
 * busy routes and 200 upstreams take 11 MB; names that have never been busy take nothing, names that left are dropped.
 */
export class LiveHistory {
  private readonly width: number
  private readonly times = new Float64Array(POINTS)
  private readonly tracks = new Map<string, Float32Array>()
  private points = 0

  /** `width`: fields of a row. */
  constructor(width: number) {
    this.width = width
  }

  /** One point of everything that there is. */
  add(at: number, rows: ReadonlyMap<string, Row>): void {
    const number = this.points++
    this.times[number % POINTS] = at
    for (const name of this.tracks.keys()) if (!rows.has(name)) this.tracks.delete(name)
    for (const [name, row] of rows) this.write(name, row, number)
  }

  /** The oldest first; from the time on at which the name was first busy. */
  of(name: string): HistoryPoint[] {
    const values = this.tracks.get(name)
    if (values === undefined) return []
    const points: HistoryPoint[] = []
    for (let number = Math.max(0, this.points - POINTS); number < this.points; number++) {
      const slot = number % POINTS
      const row = values.subarray(slot * this.width, (slot + 1) * this.width)
      if (row.every(Number.isNaN)) continue
      points.push([
        this.times[slot] as number,
        ...Array.from(row, (value) => (Number.isNaN(value) ? null : shown(value))),
      ])
    }
    return points
  }

  private write(name: string, row: Row, number: number): void {
    let values = this.tracks.get(name)
    if (values === undefined) {
      if (row.every((value) => value === 0 || value === null)) return
      values = new Float32Array(POINTS * this.width).fill(Number.NaN)
      this.tracks.set(name, values)
    }
    const start = (number % POINTS) * this.width
    for (let i = 0; i < this.width; i++) values[start + i] = row[i] ?? Number.NaN
  }
}

/** Without the digits that Float32 adds. */
function shown(value: number): number {
  return Number(value.toPrecision(6))
}
