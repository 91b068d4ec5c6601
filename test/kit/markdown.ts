/** The fenced blocks of a language in a Markdown text, without their fences. */
export function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] as string)
}

/** Targets of links, without those to other sites. */
export function relativeLinks(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** npm scripts that a text speaks of: `npm run x`, `npm start`, `npm test`. */
export function npmScripts(markdown: string): string[] {
  const run = [...markdown.matchAll(/\bnpm run (?:-s )?([\w:-]*\w)/g)].map((match) => match[1] as string)
  const short = [...markdown.matchAll(/\bnpm (start|test)\b/g)].map((match) => match[1] as string)
  return [...new Set([...run, ...short])]
}

/** One line `curl [-i] [-X METHOD] [-H 'name: value'] URL   # 404 why`. */
export interface CurlLine {
  readonly method: string
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** As its comment says; 200 where it says none. */
  readonly status: number
  /** What else it says, `location: /new` or a reason; empty: nothing. */
  readonly more: string
}

/** The curl lines of a block of shell. */
export function curlLines(shell: string): CurlLine[] {
  return shell
    .split('\n')
    .filter((line) => line.startsWith('curl '))
    .map((line) => {
      const [command = '', comment = ''] = line.split(/\s+# /)
      const url = /http:\/\/127\.0\.0\.1:(\d+)(\/\S*)/.exec(command)
      if (url === null) throw new Error(`no URL in ${line}`)
      const headers = [...command.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name, value]) => [name, value])
      return {
        method: /-X ([A-Z]+)/.exec(command)?.[1] ?? 'GET',
        port: Number(url[1]),
        path: url[2] as string,
        headers: Object.fromEntries(headers) as Record<string, string>,
        status: Number(/^\d{3}\b/.exec(comment)?.[0] ?? 200),
        more: /^\d{3} (.+)/.exec(comment)?.[1]?.trim() ?? '',
      }
    })
}

/** What stands under a heading, up to the next one of its rank. */
export function section(markdown: string, heading: string): string {
  const start = markdown.indexOf(`\n${heading}\n`)
  if (start === -1) throw new Error(`no section ${heading}`)
  const rest = markdown.slice(start + heading.length + 2)
  const rank = heading.slice(0, heading.indexOf(' ') + 1)
  const end = rest.indexOf(`\n${rank}`)
  return end === -1 ? rest : rest.slice(0, end)
}

/** Cells of all table rows in a text, heads and rulers left out. */
export function tableRows(markdown: string): string[][] {
  const lines = markdown.split('\n')
  return lines
    .filter((line, i) => line.startsWith('|') && !line.startsWith('|---') && !lines[i + 1]?.startsWith('|---'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

/** Anchors of the headings of a text, as GitHub makes them; a name that is taken gets -1, -2, … */
export function anchors(markdown: string): ReadonlySet<string> {
  const taken = new Set<string>()
  for (const [, heading = ''] of withoutCode(markdown).matchAll(/^#{1,6} (.+)$/gm)) {
    const name = heading
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-')
    let free = name
    for (let n = 1; taken.has(free); n++) free = `${name}-${n}`
    taken.add(free)
  }
  return taken
}

/** Links and headings in examples are none. */
export function withoutCode(markdown: string): string {
  return markdown.replace(/^( *)```.*?^\1```$/gms, '')
}
