import { suggestion } from './diagnostics.ts'
import { describe, type Node } from './node.ts'
import { type At, INVALID, mismatch, type Read, type Schema } from './schema.ts'

/** What a parser of text found wrong: a sentence that ends the message. */
export interface Problem {
  readonly problem: string
  /** The text may hold a secret and is not shown. */
  readonly hidden?: boolean
}

/** Text that is parsed into something. `expected` names it, as in "an address such as 0.0.0.0:8080". */
export function parsed<T>(
  expected: string,
  parse: (text: string) => T | Problem,
  json: object = { type: 'string' },
): Schema<T> {
  return {
    expected,
    json: { ...json },
    read(node, at) {
      if (node.kind !== 'scalar' || node.value === null) return mismatch(node, at, expected)
      const value = parse(node.text)
      if (!isProblem(value)) return value
      const why = `is not ${expected}${value.problem === '' ? '' : `: ${value.problem}`}`
      if (value.hidden === true) at.secretError(node.at, `this ${why}`)
      else at.error(node.at, `${describe(node)} ${why}`)
      return INVALID
    },
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'problem' in value
}

/** The scalar's text as it was written: `x-v: 1.10` stays `1.10`. */
export function text(expected = 'text'): Schema<string> {
  const json = { type: ['string', 'number', 'boolean'] }
  return parsed(expected, (value) => value, json)
}

/** Text that a pattern describes. */
export function pattern(expected: string, regex: RegExp): Schema<string> {
  const parse = (value: string): string | Problem => (regex.test(value) ? value : { problem: '' })
  return parsed(expected, parse, { type: 'string', pattern: regex.source })
}

/** A name that others refer to: letters, digits, dot, dash, underscore. */
export function name(expected = 'a name of at most 128 letters, digits, ".", "-" and "_"'): Schema<string> {
  return pattern(expected, /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
}

export function oneOf<const T extends string>(...values: readonly T[]): Schema<T> {
  const expected = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`
  const parse = (value: string): T | Problem => {
    if (values.includes(value as T)) return value as T
    const near = suggestion(value, values)
    return { problem: near === undefined || values.length === 1 ? '' : `did you mean ${near}?` }
  }
  return parsed(expected, parse, { enum: [...values] })
}

export function boolean(): Schema<boolean> {
  const expected = 'true or false'
  return {
    expected,
    json: { type: 'boolean' },
    read: (node, at) =>
      node.kind === 'scalar' && typeof node.value === 'boolean'
        ? node.value
        : mismatch(node, at, expected, yesNo(node)),
  }
}

function yesNo(node: Node): string {
  const word = node.kind === 'scalar' ? node.text.toLowerCase() : ''
  if (word === 'true' || word === 'false') return 'write it without quotes'
  if (['yes', 'on', 'y'].includes(word)) return 'YAML 1.2 reads it as text; write true'
  return ['no', 'off', 'n'].includes(word) ? 'YAML 1.2 reads it as text; write false' : ''
}

export function integer(min: number, max: number): Schema<number> {
  const expected = `a whole number from ${min} to ${max}`
  return {
    expected,
    json: { type: 'integer', minimum: min, maximum: max },
    read(node, at) {
      const value = numberIn(node)
      if (value === undefined || !Number.isInteger(value) || value < min || value > max)
        return mismatch(node, at, expected)
      return value
    },
  }
}

/** `50%` or `0.5`; read as a fraction of 1. */
export function ratio(): Schema<number> {
  const expected = 'a ratio such as 50% or 0.5'
  return {
    expected,
    json: {
      anyOf: [
        { type: 'string', pattern: '^\\d+(\\.\\d+)?%$' },
        { type: 'number', minimum: 0, maximum: 1 },
      ],
    },
    read(node, at) {
      const percent = node.kind === 'scalar' && node.text.endsWith('%')
      const value = percent ? Number(node.text.slice(0, -1)) / 100 : numberIn(node)
      if (value === undefined || Number.isNaN(value) || value < 0 || value > 1) return mismatch(node, at, expected)
      return value
    },
  }
}

interface Units {
  readonly of: Readonly<Record<string, number>>
  readonly expected: string
  /** Two units that a bare number may have meant. */
  readonly likely: readonly [string, string]
}

const DURATIONS: Units = {
  of: { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  expected: 'a duration such as 250ms, 5s, 2m, 1h or 1d',
  likely: ['ms', 's'],
}

const SIZES: Units = {
  of: { B: 1, kB: 1000, MB: 1_000_000, GB: 1_000_000_000, KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 },
  expected: 'a size such as 16kB, 64KiB, 1MB or 1MiB',
  likely: ['B', 'KiB'],
}

/** Milliseconds. Bounds in milliseconds. */
export function duration(min = 1, max = 7 * 86_400_000): Schema<number> {
  return withUnit(DURATIONS, min, max)
}

/** Bytes. Bounds in bytes. */
export function size(min = 1, max = 1_099_511_627_776): Schema<number> {
  return withUnit(SIZES, min, max)
}

function withUnit(units: Units, min: number, max: number): Schema<number> {
  const names = Object.keys(units.of)
  const regex = new RegExp(`^(\\d+(?:\\.\\d+)?)(${names.join('|')})$`)
  return {
    expected: units.expected,
    json: { type: 'string', pattern: regex.source },
    read: (node, at) => readUnit(node, at, units, regex, min, max),
  }
}

function readUnit(node: Node, at: At, units: Units, regex: RegExp, min: number, max: number): Read<number> {
  if (node.kind !== 'scalar') return mismatch(node, at, units.expected)
  const match = regex.exec(node.text)
  const zero = /^0+(\.0+)?$/.test(node.text)
  if (match === null && !(zero && min > 0)) return mismatch(node, at, units.expected, unitHint(node.text, units))
  const value = match === null ? 0 : Number(match[1]) * (units.of[match[2] as string] as number)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const smallest = Object.keys(units.of)[0] as string
  const whole = Number.isInteger(value) ? '' : `a whole number of ${smallest} `
  at.error(node.at, `${describe(node)} must be ${whole}from ${inUnit(min, units)} to ${inUnit(max, units)}`)
  return INVALID
}

function unitHint(text: string, units: Units): string {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const [a, b] = units.likely
    return `a unit is missing: write ${text}${a} or ${text}${b}`
  }
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text)
  if (match === null) return ''
  const [, digits = '', written = ''] = match
  const close = Object.keys(units.of).filter((unit) =>
    [written, `${written}b`, `${written}ib`].some((word) => word.toLowerCase() === unit.toLowerCase()),
  )
  return close.length === 0 ? '' : `write ${close.map((unit) => `${digits}${unit}`).join(' or ')}`
}

/** Milliseconds as written in a config: `1500ms`, `90s`, `2m`. */
export function durationText(ms: number): string {
  return inUnit(ms, DURATIONS)
}

/** A number in the largest unit that keeps it whole. */
function inUnit(value: number, units: Units): string {
  const unit = Object.keys(units.of).findLast((candidate) => value % (units.of[candidate] as number) === 0 && value > 0)
  const chosen = unit ?? (Object.keys(units.of)[0] as string)
  return `${value / (units.of[chosen] as number)}${chosen}`
}

function numberIn(node: Node): number | undefined {
  if (node.kind !== 'scalar') return undefined
  if (typeof node.value === 'number') return node.value
  return !node.quoted && /^-?\d+(\.\d+)?$/.test(node.text) ? Number(node.text) : undefined
}

/** `125%` or `1.25`; read as a factor. */
export function factor(min: number, max: number): Schema<number> {
  const expected = `a share such as ${min * 125}%, from ${min * 100}% to ${max * 100}%`
  return parsed(
    expected,
    (value): number | Problem => {
      const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? []
      const read = Number(digits) / (percent === '%' ? 100 : 1)
      return read >= min && read <= max ? read : { problem: '' }
    },
    { type: ['string', 'number'] },
  )
}
