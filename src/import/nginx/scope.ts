import type { Directive } from './parse.ts'

/** The directives of a block and of those around it. */
export class Scope {
  readonly own: readonly Directive[]
  private readonly outer: Scope | undefined

  constructor(own: readonly Directive[], outer: Scope | undefined) {
    this.own = own
    this.outer = outer
  }

  /** The one that holds here: the last of the innermost block that has any. */
  find(name: string): Directive | undefined {
    return this.all(name).at(-1)
  }

  /** All of the innermost block that has any: nginx inherits them together or not at all. */
  all(...names: readonly string[]): readonly Directive[] {
    const here = this.own.filter(({ name }) => names.includes(name))
    return here.length > 0 ? here : (this.outer?.all(...names) ?? [])
  }

  /** All of this block and of those around it. */
  everywhere(name: string): readonly Directive[] {
    return [...this.own.filter((directive) => directive.name === name), ...(this.outer?.everywhere(name) ?? [])]
  }

  /** The first word behind a directive. */
  word(name: string): string | undefined {
    return this.find(name)?.args[0]
  }

  /** A text with the first name of the server in place of `$server_name`, whatever the client asked for. */
  withServerName(text: string): string {
    const name = this.word('server_name')?.toLowerCase()
    return name !== undefined && /^[\w-]+(\.[\w-]+)+$/.test(name) ? text.replace('$server_name', name) : text
  }
}

/** nginx's time such as `30`, `30s`, `1m` or `1m30s` in milliseconds; undefined: none, or 0. */
export function millisecondsOf(text: string | undefined): number | undefined {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  if (text === undefined || !/^(\d+(ms|s|m|h|d)?)+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)?/g)]
  return parts.reduce((sum, [, digits, unit = 's']) => sum + Number(digits) * (units[unit] as number), 0) || undefined
}

/** The same as a duration. */
export function durationOf(text: string | undefined): string | undefined {
  const time = millisecondsOf(text)
  return time === undefined ? undefined : inUnits(time)
}

export function inUnits(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
