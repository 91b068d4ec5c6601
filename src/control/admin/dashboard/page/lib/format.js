const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit' })

export const NOTHING = '–'

/** @param {number} value */
export function count(value) {
  return value < 100_000 ? whole.format(value) : `${whole.format(value / 1000)}k`
}

/**
 * A second.
 * @param {number} value
 */
export function rate(value) {
  if (value === 0) return '0'
  if (value < 1) return value.toFixed(2)
  return value < 10 ? value.toFixed(1) : count(value)
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  const hundred = share * 100
  if (hundred === 0) return '0 %'
  if (hundred < 0.1) return '<0.1 %'
  return `${hundred < 10 ? hundred.toFixed(1) : whole.format(hundred)} %`
}

/**
 * A span of time.
 * @param {number | null | undefined} value milliseconds
 */
export function ms(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING
  if (value === 0) return '0 ms'
  if (value < 0.1) return '<0.1 ms'
  if (value < 10) return `${value.toFixed(1)} ms`
  if (value < 1000) return `${whole.format(value)} ms`
  return span(value)
}

/**
 * A longer span of time.
 * @param {number} value milliseconds
 */
export function span(value) {
  const seconds = value / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 100) return `${whole.format(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${whole.format(Math.floor(seconds % 60))} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`
}

/**
 * The same in whole minutes from the second on: what counts seconds is never calm.
 * @param {number} value milliseconds
 */
export function about(value) {
  if (value < 100_000) return span(value)
  const minutes = Math.floor(value / 60_000)
  return minutes < 60 ? `${minutes} min` : span(value)
}

/** @param {number | string} at epoch milliseconds or RFC 3339 */
export function time(at) {
  return clock.format(new Date(at))
}

/** @param {number | string} at epoch milliseconds or RFC 3339 */
export function dayTime(at) {
  const date = new Date(at)
  return `${day.format(date)} ${clock.format(date)}`
}
