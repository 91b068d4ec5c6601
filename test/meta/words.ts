/**
 * Words that a text of Sluice does not use, each with what to write in its place. A space in a pattern stands for any white
 * space, so that a form is found across lines, too. Readers are operators at night, many of them not native speakers.
 */
const FORBIDDEN: readonly (readonly [pattern: string, instead: string])[] = [
  [
    '(whoever|nobody|somebody|everybody|anybody|someone|everyone|anyone|no one)',
    'name it: client, operator, worker, request',
  ],
  ['(he|him|his|she|her)', 'name it; a thing is "it"'],
  ["(can not|can[’']t)", 'cannot'],
  ['(tries|tri)(?!:)', 'attempts'],
  ['(an?|the|each|every|first|second|last|next|further|another|no|this|that|one|its|current|latest) try', 'attempt'],
  ['(befell|befalls?|befallen)', 'what happened to it'],
  ['put(s|ting)? up with', 'tolerated'],
  ['(finds?|found) out by (itself|themselves)', 'learns, measures, detects'],
  ['mend(s|ed|ing)?', 'fix, repair'],
  ['(lest|whilst|amongst|thereof|therein|wherein|whence|till|ere|naught|aught|shall|ought)', 'a word of today'],
  ['time-outs?', 'timeout'],
  ['lately', 'recently'],
  ['all the same', 'anyway, still'],
  [
    '(?:\\d+(?:[.,]\\d+)*|once|twice|times|one|two|three|four|five|ten|twenty|hundred|thousand|most|many|few|each|that) an? (second|minute|hour|day|week)(?! (attempt|one|time|request|look|later|endpoint|reason))',
    'per second, per minute, ...',
  ],
  [
    '(?:%|[kMG]i?B|bytes?|octets?|requests?|attempts?|retries|refusals?|lines?|spans?|events?|rows?|checks?|probes?|answers?|changes?|connections?|µs|ms) an? (second|minute|hour|day|week)(?! (attempt|one|time|request|look|later|endpoint|reason))',
    'per second, per minute, ...',
  ],
  [
    '(?:\\d+(?:[.,]\\d+)*|[kMG]i?B|bytes|octets|columns?|slots?|buckets|lines|spans|events|entries|permits|seconds|timers?) an? (request|worker|connection|client|route|upstream|endpoint|exchange|listener|column|bucket|core|process|attempt|time|bound)',
    'per request, per worker, ...',
  ],
]

const PATTERNS: readonly (readonly [RegExp, string])[] = FORBIDDEN.map(([pattern, instead]) => [
  new RegExp(`(?<![\\w.\`-])${pattern.replaceAll(' ', '\\s+')}(?![\\w\`-])`, 'gi'),
  instead,
])

/** A text as it is read: without what is quoted as code; of the marks of comments the blanks, so that places stay. */
function plain(file: string, text: string): string {
  const blank = (found: string): string => found.replaceAll(/[^\n]/g, ' ')
  const prose = file.endsWith('.md') ? text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, blank) : text
  return prose
    .replaceAll(/`[^`\n]+`/g, (code) => (file.endsWith('.md') || !code.includes(' ') ? blank(code) : code))
    .replaceAll(/^\s*(\*|\/\/)/gm, blank)
}

/** The forbidden words of a text, each with its place and what to write in its place. */
export function forbiddenWords(file: string, text: string): string[] {
  const read = plain(file, text)
  return PATTERNS.flatMap(([pattern, instead]) =>
    Array.from(read.matchAll(pattern), (found) => {
      const line = read.slice(0, found.index).split('\n').length
      return `${file}:${line}: "${found[0].replaceAll(/\s+/g, ' ')}": ${instead}`
    }),
  )
}
