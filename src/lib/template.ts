import { byteString, escapeForbidden } from './percent.ts'

/** What is wrong with a template; the message is for the author of the config. */
export class TemplateError extends Error {}

/** A template's texts and the names between them: one more text than names. */
interface Parts {
  readonly texts: readonly string[]
  readonly names: readonly string[]
}

/**
 * A path with parameters, such as `/v2/users/{id}`. Values come from a path in normal form, so they are escaped already;
 * characters that a URI must not hold bare are escaped here. A value never adds a segment.
 */
export class PathTemplate {
  private readonly texts: readonly string[]
  private readonly places: readonly number[]

  /** Throws {@link TemplateError}. `names`: the parameters that exist, in the order of the values. */
  constructor(source: string, names: readonly string[]) {
    const parts = parse(source)
    this.texts = parts.texts
    this.places = parts.names.map((name) => {
      const place = names.indexOf(name)
      if (place === -1) throw new TemplateError(`there is no parameter {${name}}`)
      return place
    })
  }

  expand(values: readonly string[]): string {
    const { texts, places } = this
    let out = texts[0] as string
    for (let i = 0; i < places.length; i++) {
      out += escapeForbidden(values[places[i] as number] ?? '') + (texts[i + 1] as string)
    }
    return out
  }
}

/** Names of a template's parameters. Throws {@link TemplateError}. */
export function templateNames(source: string): readonly string[] {
  return parse(source).names
}

function parse(source: string): Parts {
  const texts: string[] = []
  const names: string[] = []
  let from = 0
  for (let open = source.indexOf('{'); open !== -1; open = source.indexOf('{', from)) {
    const close = source.indexOf('}', open)
    const name = close === -1 ? '' : source.slice(open + 1, close)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new TemplateError(`expected a name in braces: "${source.slice(open)}"`)
    texts.push(textOf(source.slice(from, open)))
    names.push(name)
    from = close + 1
  }
  texts.push(textOf(source.slice(from)))
  return { texts, names }
}

function textOf(text: string): string {
  if (text.includes('}')) throw new TemplateError(`a closing brace without an opening one: "${text}"`)
  return escapeForbidden(byteString(text))
}
