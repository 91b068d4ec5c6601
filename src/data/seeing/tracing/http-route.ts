import type { MatchConfig, PathPattern } from '../../../core/config.ts'
import { LinearRegex } from '../../../lib/regex.ts'

/**
 * Tells which of a route's path patterns a path matched, as written: OpenTelemetry's `http.route`. undefined: the route
 * sets no path. The router has found the route; this is for the requests whose spans are recorded.
 */
export function httpRouteOf(match: readonly MatchConfig[]): (path: string) => string | undefined {
  const patterns = match.flatMap(({ paths }) => paths)
  if (patterns.length <= 1) return () => patterns[0]?.source
  const tests = patterns.map((pattern) => ({ source: pattern.source, holds: testOf(pattern) }))
  return (path) => tests.find(({ holds }) => holds(path))?.source
}

function testOf(pattern: PathPattern): (path: string) => boolean {
  if (pattern.kind === 'regex') {
    const regex = new LinearRegex(pattern.source)
    return (path) => regex.test(path)
  }
  const { prefix, segments: wanted } = pattern
  return (path) => {
    const segments = path.split('/').slice(1)
    if (prefix ? segments.length < wanted.length : segments.length !== wanted.length) return false
    return wanted.every((segment, i) => 'param' in segment || segment.literal === segments[i])
  }
}
