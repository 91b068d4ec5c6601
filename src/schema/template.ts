import { suggestion } from './diagnostics.ts'
import { type Problem, parsed } from './scalars.ts'
import type { Schema } from './schema.ts'

/** A text with values in it: constant, or in parts. Structured-cloneable. */
export type TemplateText = string | TemplateParts

/** One more text than names: `{ texts: ['id=', ''], names: ['request.id'] }`. */
export interface TemplateParts {
  readonly texts: readonly string[]
  /** Names of values; `params.NAME` is a parameter of the route's path. */
  readonly names: readonly string[]
}

/** Parameters that a template names: as it writes them, and their names. */
export type TemplateParameters = (text: string) => readonly { readonly written: string; readonly name: string }[]

export interface TemplateRules {
  /** What the whole text is, for messages. */
  readonly expected: string
  /** Names of values, such as `request.id`; parameters of the path are always known. */
  readonly values: readonly string[]
  /** Names of values that only other places have. */
  readonly elsewhere?: readonly string[]
  /**
   * path: what stands in braces is the name of a parameter: `/users/{id}`. text: only `{` the name of a value `}` is one, and
   * all other braces are text, so that JSON and style sheets stay what they are; `{{request.id}}` is the text `{request.id}`.
   */
  readonly form: 'path' | 'text'
  /** What else holds for the text; gives it in its normal form. */
  readonly check?: (text: string) => string | Problem
  /** The text may hold a secret: messages do not show it. */
  readonly hidden?: boolean
  readonly json?: object
}

const PARAMS = 'params.'

/** A text that may name values of a request. Compiled here: what it names is known when the config is. */
export function template({
  check = same,
  elsewhere = [],
  expected,
  form,
  hidden = false,
  json,
  values,
}: TemplateRules): Schema<TemplateText> {
  const parse = form === 'path' ? pathParts : (text: string) => textParts(text, { values, elsewhere, params: true })
  const read = (text: string): TemplateText | Problem => {
    const checked = check(text)
    if (typeof checked !== 'string') return checked
    const parts = parse(checked)
    if ('problem' in parts) return { ...parts, hidden }
    return parts.names.length === 0 ? parts.texts.join('') : parts
  }
  const params: TemplateParameters = (text) => {
    const parts = parse(text)
    const named = 'problem' in parts ? [] : parts.names.filter((name) => name.startsWith(PARAMS))
    return named.map((full) => {
      const name = full.slice(PARAMS.length)
      return { name, written: form === 'path' ? `{${name}}` : `{${full}}` }
    })
  }
  return { ...parsed(expected, read, json), mark: { is: 'template', params } }
}

function same(text: string): string {
  return text
}

function pathParts(text: string): TemplateParts | Problem {
  const texts: string[] = []
  const names: string[] = []
  let from = 0
  for (let open = text.indexOf('{'); open !== -1; open = text.indexOf('{', from)) {
    const close = text.indexOf('}', open)
    const name = close === -1 ? '' : text.slice(open + 1, close)
    if (!/^[A-Za-z_]\w*$/.test(name)) return { problem: `expected a name in braces: "${text.slice(open)}"` }
    texts.push(text.slice(from, open))
    names.push(PARAMS + name)
    from = close + 1
  }
  texts.push(text.slice(from))
  const stray = texts.find((part) => part.includes('}'))
  return stray === undefined ? { texts, names } : { problem: `a closing brace without an opening one: "${stray}"` }
}

const PLACE = /\{\{([a-z]+\.\w+)\}\}|\{([a-z]+\.\w+)\}/gi

/** What a text of form `text` may name. `params`: parameters of the path, too. */
export interface KnownNames {
  readonly values: readonly string[]
  readonly elsewhere: readonly string[]
  readonly params: boolean
}

/** The parts of a text of form `text`. `index`: where in it the problem is. */
export function textParts(text: string, known: KnownNames): TemplateParts | (Problem & { readonly index: number }) {
  const texts: string[] = []
  const names: string[] = []
  let before = ''
  let from = 0
  for (const match of text.matchAll(PLACE)) {
    const [whole, doubled, single] = match
    const name = doubled ?? single ?? ''
    const verdict = judged(name, known)
    if (typeof verdict !== 'boolean' && doubled === undefined) return { ...verdict, index: match.index }
    if (verdict !== true) continue
    before += text.slice(from, match.index)
    from = match.index + whole.length
    if (doubled !== undefined) before += `{${name}}`
    else {
      texts.push(before)
      names.push(name)
      before = ''
    }
  }
  texts.push(before + text.slice(from))
  return { texts, names }
}

/** Whether it names a value; false: it is text. A name that was probably meant for one is a problem. */
function judged(name: string, { elsewhere, params, values }: KnownNames): boolean | Problem {
  if (values.includes(name) || (params && /^params\.[A-Za-z_]\w*$/.test(name))) return true
  const near = suggestion(name, values)
  const groups = new Set(['params', ...[...values, ...elsewhere].map((value) => value.split('.')[0])])
  if (near === undefined && !groups.has(name.split('.')[0])) return false
  const known = [...values, ...(params ? ['params.NAME'] : [])].map((value) => `{${value}}`).join(', ')
  return {
    problem: `there is no value {${name}} here; ${near === undefined ? `known are ${known}` : `did you mean {${near}}?`}`,
  }
}
