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
