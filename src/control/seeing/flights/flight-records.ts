import type { Flight, FlightSummary, Happening } from '../../../core/flight.ts'
import type { FlightBatch, FlightProcess, KeptFlight } from './kept-flight.ts'

/** Of another shape they are passed over. */
const VERSION = 1

type Kind = 'string' | 'number' | 'string or null'

const FIELDS: Readonly<Record<Exclude<keyof Flight, 'timeline'>, Kind>> = {
  requestId: 'string',
  correlationId: 'string',
  traceId: 'string',
  time: 'string',
  route: 'string or null',
  listener: 'string',
  method: 'string',
  host: 'string',
  path: 'string',
  query: 'string',
  status: 'number',
  reason: 'string or null',
  phase: 'string or null',
  origin: 'string or null',
  durationMs: 'number',
  why: 'string or null',
  attempts: 'number',
  upstream: 'string or null',
} satisfies Record<keyof FlightSummary | 'upstream', Kind>

/** Requests as they are stored; `texts`: each in JSON. */
export function flightRecord({ pid, startedAt }: FlightProcess, texts: readonly string[]): Uint8Array {
  const process = JSON.stringify({ pid, startedAt })
  return Buffer.from(`{"version":${VERSION},"process":${process},"flights":[${texts.join(',')}]}`)
}

/** The requests of a record; none of one that is broken. */
export function readRecord(key: string, value: Uint8Array): readonly KeptFlight[] {
  const record = parsed(value)
  if (record?.version !== VERSION || !isProcess(record.process) || !Array.isArray(record.flights)) return []
  const { pid, startedAt } = record.process
  const flights = record.flights.filter(isFlight)
  const batch: FlightBatch = { key, left: flights.length }
  return flights.map((flight) => {
    const bytes = JSON.stringify(flight).length
    return { flight, bytes, process: { pid, startedAt }, text: undefined, batch }
  })
}

function parsed(value: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return record(JSON.parse(Buffer.from(value).toString('utf8')))
  } catch {
    return undefined
  }
}

function isProcess(value: unknown): value is FlightProcess {
  const { pid, startedAt } = record(value) ?? {}
  return typeof pid === 'number' && isTime(startedAt)
}

function isFlight(value: unknown): value is Flight {
  const flight = record(value)
  if (flight === undefined || !isTime(flight.time) || !Array.isArray(flight.timeline)) return false
  for (const name in FIELDS) if (!fits(flight[name], FIELDS[name as keyof typeof FIELDS])) return false
  return flight.timeline.every(isHappening)
}

function isHappening(value: unknown): value is Happening {
  const { atMs, kind, text } = record(value) ?? {}
  return typeof atMs === 'number' && typeof kind === 'string' && typeof text === 'string'
}

function fits(value: unknown, kind: Kind): boolean {
  return kind === 'string or null' ? value === null || typeof value === 'string' : typeof value === kind
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
