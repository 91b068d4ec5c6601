import { hasDotSegment } from '../../../lib/path.ts'
import { type Budget, LinearRegex } from '../../../lib/regex.ts'

const SLASH = bytesOf('/')
/** First characters of samples: each variant prefers others, so that one may differ from the paths of other routes. */
const LIKED = ['abc', 'xyz', '789', '/-_']
/** Bytes of a path in normal form. */
const PATH = range(0x21, 0x7e).filter((byte) => !bytesOf('?#').includes(byte))
const TEXT = range(0x20, 0x7e)

/** Paths that all of the regular expressions (one or two) match, the shortest kind first; at most one for each variant. */
export function samplePaths(source: string, other = '.*'): readonly string[] {
  const [one, two] = [new LinearRegex(source), new LinearRegex(other)]
  const paths = LIKED.map((liked) => one.meet(two, SLASH, preferring(liked, PATH)))
  return [...new Set(paths)].filter((path) => path !== undefined && !hasDotSegment(path)) as string[]
}

/** Whether some path matches both; false also where the budget is used up. */
export function canMeet(one: LinearRegex, two: LinearRegex, budget?: Budget): boolean {
  return one.meet(two, SLASH, PATH, budget) !== undefined
}

/** A text that a regular expression matches; undefined where there is none of plain characters. */
export function sampleText(source: string): string | undefined {
  const regex = new LinearRegex(source)
  if (regex.test('')) return ''
  const bytes = preferring('abc', TEXT)
  return regex.meet(new LinearRegex('.*'), bytes, bytes)
}

/**
 * Whether a regular expression can match a path at all: paths begin with a slash and hold neither spaces nor `?` nor `#`
 * nor bytes above 0x7E, which are escaped in them.
 */
export function canMatchPath(source: string): boolean {
  return canMeet(new LinearRegex(source), new LinearRegex('.*'))
}

function preferring(liked: string, bytes: readonly number[]): readonly number[] {
  const first = bytesOf(liked)
  return [...first, ...bytes.filter((byte) => !first.includes(byte))]
}

function bytesOf(text: string): readonly number[] {
  return [...Buffer.from(text, 'latin1')]
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
