/** Milliseconds that a `Retry-After` value asks for (RFC 9110, 10.2.3: seconds or a date); undefined: neither. */
export function retryAfterMs(value: string, wallNow: number): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallNow)
}
