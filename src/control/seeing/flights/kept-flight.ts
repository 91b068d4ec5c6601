import type { Crowd, Flight } from '../../../core/flight.ts'

/** The process that recorded a request. */
export interface FlightProcess {
  readonly pid: number
  /** RFC 3339. */
  readonly startedAt: string
}

/** Requests that are stored together, and deleted when none of them is kept any more. */
export interface FlightBatch {
  readonly key: string
  left: number
}

/** A request that is kept. */
export interface KeptFlight {
  readonly flight: Flight
  readonly bytes: number
  readonly process: FlightProcess
  /** In JSON, until it is stored; undefined: it is, or need not be. */
  text: string | undefined
  /** undefined: it is not stored. */
  batch: FlightBatch | undefined
}

/** Writes what is kept to where it outlives the process. */
export interface FlightKeeper {
  kept(crowd: Crowd, flight: KeptFlight): void
  /** These have made room for others. */
  displaced(flights: readonly KeptFlight[]): void
}
