/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  /** In capitals. */
  readonly name: string
  /** `--key=value` before the arguments. */
  readonly flags: Readonly<Record<string, string>>
  /** What follows the flags, as written. */
  readonly text: string
}

export interface Stage {
  /** The image after FROM. */
  readonly base: string
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

const FLAG = /^--([a-z-]+)=(\S+)\s+/

/** The stages of a Dockerfile. Knows what ours uses: comments, continued lines, flags; no here-documents, no ARG. */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = []
  for (const line of logicalLines(text)) {
    const instruction = parseInstruction(line)
    if (instruction.name === 'FROM') {
      const [base = '', as, name] = instruction.text.split(/\s+/)
      stages.push({ base, name: as?.toUpperCase() === 'AS' ? name : undefined, instructions: [] })
    } else {
      const stage = stages.at(-1)
      if (stage === undefined) throw new Error(`${instruction.name} before FROM`)
      stage.instructions.push(instruction)
    }
  }
  return stages
}

/** The arguments of a JSON exec form; throws where a shell would be needed. */
export function execForm(text: string): readonly string[] {
  const value: unknown = text.startsWith('[') ? JSON.parse(text) : undefined
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new Error(`not in exec form: ${text}`)
  }
  return value as string[]
}

/** The last instruction of a name in a stage; throws when there is none. */
export function last(stage: Stage, name: string): Instruction {
  const found = stage.instructions.findLast((instruction) => instruction.name === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

/** The variables that a stage sets. */
export function environment(stage: Stage): Record<string, string> {
  const pairs = stage.instructions
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text }) => text.split(/\s+/))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  return Object.fromEntries(pairs)
}

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open = ''
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue
    if (line.endsWith('\\')) open += `${line.slice(0, -1).trim()} `
    else {
      lines.push(`${open}${line.trim()}`)
      open = ''
    }
  }
  return lines
}

function parseInstruction(line: string): Instruction {
  const name = /^\w+/.exec(line)?.[0] ?? ''
  let text = line.slice(name.length).trimStart()
  const flags: Record<string, string> = {}
  for (let flag = FLAG.exec(text); flag !== null; flag = FLAG.exec(text)) {
    flags[flag[1] as string] = flag[2] as string
    text = text.slice(flag[0].length)
  }
  return { name: name.toUpperCase(), flags, text }
}
