const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'

/** The three forms that a recipient must understand (RFC 9110, section 5.6.7). */
const FORMS: readonly RegExp[] = [
  `^[A-Z][a-z]{2}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`,
  `^[A-Z][a-z]{5,8}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`,
  `^[A-Z][a-z]{2} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`,
].map((source) => new RegExp(source))

const LONGEST = 'Wednesday, 06-Nov-94 08:49:37 GMT'.length

/** A time as HTTP writes it, in whole seconds. `ms`: since the epoch. */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString()
}

/** Milliseconds since the epoch; undefined: no date of HTTP. `wall`: now, to tell the century of two digits. */
export function parseHttpDate(text: string, wall: number): number | undefined {
  if (text.length > LONGEST) return undefined
  for (const form of FORMS) {
    const found = form.exec(text)?.groups
    if (found === undefined) continue
    const [day, hour, minute, second] = [found.day, found.hour, found.minute, found.second].map(Number) as [
      number,
      number,
      number,
      number,
    ]
    const month = MONTHS.indexOf(found.month as string)
    const ms = Date.UTC(yearOf(found.year as string, wall), month, day, hour, minute, second)
    const read = new Date(ms)
    // 31 Feb and 25:00 are no times; a leap second is the next one.
    const valid = read.getUTCMonth() === month && read.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
    return valid || (second === 60 && hour < 24 && minute < 60) ? ms : undefined
  }
  return undefined
}

/** Of two digits: the year that is at most 50 years ahead. */
function yearOf(text: string, wall: number): number {
  const year = Number(text)
  if (text.length === 4) return year
  const now = new Date(wall).getUTCFullYear()
  const near = now - (now % 100) + year
  return near > now + 50 ? near - 100 : near
}
