/** Files that own the clock, the timers and randomness. */
const OWNERS = /^src\/lib\/(clock|random)\.ts$/

const BANNED: readonly (readonly [RegExp, string, RegExp?])[] = [
  [/\bDate\.now\b|\bperformance\.now\b|\bnew Date\(\)|\bprocess\.hrtime\b/, 'a clock of its own', OWNERS],
  [/\b(setTimeout|setInterval)\(/, 'a timer of its own', OWNERS],
  [
    /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomFillSync\b|\bgetRandomValues\b/,
    'randomness of its own',
    OWNERS,
  ],
  [/\bconsole\.\w+\(/, 'console'],
  [/\b(TODO|FIXME|XXX)\b/, 'something left for later'],
]

/** Forms at the top level of a module that make or hold state that can change. */
const MUTABLE: readonly RegExp[] = [
  /^(export )?(let|var) /,
  /^(export )?const \w+(: (?!Readonly|readonly)[^=]+)? = (new (Map|Set|WeakMap|WeakSet)(<.*>)?\(\)|new \w+Array\(\d+\)|\[\]|\{\})$/,
]

/** What a source file must not have, line by line. Comments are looked at only for what is left for later. */
export function badLines(file: string, text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    const code = line.replace(/^\s*(\/\/|\*|\/\*).*$/, '')
    const banned = BANNED.filter(
      ([pattern, , owners]) => pattern.test(owners === undefined ? line : code) && owners?.test(file) !== true,
    ).map(([, why]) => why)
    const mutable = MUTABLE.some((pattern) => pattern.test(code)) ? ['state of the module that can change'] : []
    return [...banned, ...mutable].map((why) => `${file}:${i + 1}: ${why}: ${line.trim()}`)
  })
}
