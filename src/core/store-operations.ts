/**
 * Named atomic operations of stores. Each is a pure function of the numbers under its keys, so that an engine may run it
 * where the numbers are: in its thread, in a transaction, or as a script of a server.
 */

/** A number under a key of a store. */
export interface StoredNumber {
  readonly value: number
  /** Milliseconds until it expires; undefined: it does not. */
  readonly ttlMs: number | undefined
}

export interface OperationOutcome<R> {
  /** By key; undefined: nothing is written. */
  readonly numbers: readonly StoredNumber[] | undefined
  readonly result: R
}

interface StoreOperation<A, R> {
  /** Whether these arguments are such as it can work with: they may come from elsewhere. */
  fits(args: A, keys: number): boolean
  /** `numbers`: what the keys hold, in their order; undefined: nothing. `now`: milliseconds of the engine's clock. */
  run(numbers: readonly (StoredNumber | undefined)[], args: A, now: number): OperationOutcome<R>
}

/** A limit of GCRA: one permit per `everyMs`, `burst` of them at once. */
export interface GcraLimit {
  readonly everyMs: number
  readonly burst: number
}

export interface GcraArgs {
  /** By key. */
  readonly limits: readonly GcraLimit[]
  /** Permits that are taken of each; 0: only looks. */
  readonly cost: number
}

export interface GcraResult {
  /** By all limits; if one refuses, nothing is taken of any. */
  readonly allowed: boolean
  /** By key. */
  readonly limits: readonly {
    readonly allowed: boolean
    /** Permits that are left. */
    readonly remaining: number
    /** Milliseconds until this limit allows the same; 0: it does now, Infinity: never. */
    readonly retryAfterMs: number
    /** Milliseconds until the whole burst is there again. */
    readonly resetMs: number
  }[]
}

/** Times since 1970 are doubles with a grain of 0.0002 ms: without this the last permit of a burst would be refused. */
const GRAIN_MS = 0.01

/**
 * Generic Cell Rate Algorithm (ITU-T I.371): a key holds the time at which it will be empty again, its theoretical arrival
 * time.
 */
const gcra: StoreOperation<GcraArgs, GcraResult> = {
  fits: ({ cost, limits }, keys) =>
    limits.length === keys &&
    cost >= 0 &&
    limits.every(({ burst, everyMs }) => everyMs > 0 && burst > 0 && isBounded(everyMs * Math.max(burst, cost))),
  run(numbers, { cost, limits }, now) {
    const asked = limits.map(({ burst, everyMs }, i) => {
      const before = Math.max(numbers[i]?.value ?? now, now)
      const after = before + cost * everyMs
      const wait = after - burst * everyMs - now
      return { before, after, burst, everyMs, wait, allowed: wait <= GRAIN_MS }
    })
    const allowed = asked.every((limit) => limit.allowed)
    return {
      numbers: allowed && cost > 0 ? asked.map(({ after }) => ({ value: after, ttlMs: after - now })) : undefined,
      result: {
        allowed,
        limits: asked.map(({ after, before, burst, everyMs, wait, ...limit }) => {
          const until = allowed ? after : before
          return {
            allowed: limit.allowed,
            remaining: Math.max(0, Math.floor((burst * everyMs - (until - now) + GRAIN_MS) / everyMs)),
            retryAfterMs: limit.allowed ? 0 : cost > burst ? Number.POSITIVE_INFINITY : wait,
            resetMs: until - now,
          }
        }),
      },
    }
  },
}

export interface AddArgs {
  /** What each key is changed by. */
  readonly by: number
  /** Milliseconds until a key expires that this makes; one that is there keeps its time. Without: it does not expire. */
  readonly ttlMs?: number
}

/** Adds to numbers; the result: the new ones, by key. */
const add: StoreOperation<AddArgs, readonly number[]> = {
  fits: ({ by, ttlMs = 1 }) => isBounded(by) && ttlMs > 0 && isBounded(ttlMs),
  run(numbers, { by, ttlMs }) {
    const changed = numbers.map((held) => ({
      value: (held?.value ?? 0) + by,
      ttlMs: held === undefined ? ttlMs : held.ttlMs,
    }))
    return { numbers: changed, result: changed.map(({ value }) => value) }
  },
}

/** No sum of such numbers that a store may live to see is infinite; NaN is none of them. */
function isBounded(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

/** All of them, by name; every engine has all. */
export const STORE_OPERATIONS = { gcra, add } as const

export type StoreOperationName = keyof typeof STORE_OPERATIONS
type Of<K extends StoreOperationName> = (typeof STORE_OPERATIONS)[K]
export type ArgsOf<K extends StoreOperationName> = Parameters<Of<K>['run']>[1]
export type ResultOf<K extends StoreOperationName> = ReturnType<Of<K>['run']>['result']
