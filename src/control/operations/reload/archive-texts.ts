import { hash } from 'node:crypto'
import type { Documents } from '../../../config/sources/source.ts'
import { isUnavailable, type Unavailable } from '../../../core/link.ts'
import type { Store } from '../../../core/store.ts'

/** In the store of the gateway; then the number of the config, and that of the part. */
const TEXTS = 'configs/texts/'
/** A value of a store is bounded, and so is what its thread is sent at once. */
const PART_BYTES = 1_048_576

/** What tells whether the texts of a config are whole. */
export interface TextFacts {
  readonly bytes: number
  /** SHA-256, hex. */
  readonly digest: string
}

/** All texts of a config. */
export function textBytes(documents: Documents): Buffer {
  return Buffer.from(JSON.stringify(documents))
}

/** Writes them in parts, in the place of what a process left that was killed while it wrote. */
export async function writeTexts(store: Store, number: number, bytes: Buffer): Promise<TextFacts | Unavailable> {
  const parts = Math.ceil(bytes.length / PART_BYTES)
  for (let part = 0; part < parts; part++) {
    const done = await store.put(partKey(number, part), bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES))
    if (isUnavailable(done)) return done
  }
  return (await removeTexts(store, number, parts)) ?? { bytes: bytes.length, digest: hash('sha256', bytes) }
}

/** undefined: they are not whole. */
export async function readTexts(
  store: Store,
  number: number,
  { bytes, digest }: TextFacts,
): Promise<Documents | undefined | Unavailable> {
  const parts: Uint8Array[] = []
  for (let part = 0; part < Math.ceil(bytes / PART_BYTES); part++) {
    const entry = await store.get(partKey(number, part))
    if (entry === undefined || isUnavailable(entry)) return entry
    parts.push(entry.value)
  }
  const whole = Buffer.concat(parts)
  // What has this hash was written by us.
  return hash('sha256', whole) === digest ? (JSON.parse(whole.toString('utf8')) as Documents) : undefined
}

/** From part `from` on. undefined: they are gone. */
export async function removeTexts(store: Store, number: number, from = 0): Promise<Unavailable | undefined> {
  for (let part = from; ; part++) {
    const was = await store.delete(partKey(number, part))
    if (isUnavailable(was)) return was
    if (was === false) return undefined
  }
}

function partKey(number: number, part: number): string {
  return `${TEXTS}${number}/${part}`
}
