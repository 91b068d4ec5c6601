import { mayHoldSecret } from '../../../lib/secret-names.ts'
import { hashOf } from './chain.ts'

const MOST_CHARS = 200
const MOST_DEPTH = 6

/**
 * The part of a command's body that the audit log keeps: no secrets, by their keys, and only size and SHA-256 of texts that
 * are long or have several lines, such as configs.
 */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length > MOST_CHARS || value.includes('\n') ? digestOf(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (depth === MOST_DEPTH) return digestOf(JSON.stringify(value))
  if (Array.isArray(value)) {
    const items = value.map((item) => redacted(item, depth + 1))
    return fits(items) ? items : digestOf(JSON.stringify(value))
  }
  const entries = Object.entries(value).map(([key, child]) => [key, part(key, child, depth)])
  const object = Object.fromEntries(entries)
  return fits(object) ? object : digestOf(JSON.stringify(value))
}

function part(key: string, value: unknown, depth: number): unknown {
  if (mayHoldSecret(key)) return '***'
  // A config on one line is one, too.
  return key === 'yaml' && typeof value === 'string' ? digestOf(value) : redacted(value, depth + 1)
}

function fits(value: unknown): boolean {
  return JSON.stringify(value).length <= 10 * MOST_CHARS
}

function digestOf(text: string): { readonly bytes: number; readonly sha256: string } {
  return { bytes: Buffer.byteLength(text), sha256: hashOf(text) }
}
