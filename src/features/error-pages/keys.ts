import type { PageFormat } from '../../core/error-page.ts'
import { FAILURE_VALUES } from '../../http/template.ts'
import { map, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { type FileText, textFile } from '../../schema/mark.ts'
import { boolean, oneOf, type Problem, parsed } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'
import { type TemplateParts, type TemplateText, textParts } from '../../schema/template.ts'

/** A page is in the config of each worker. */
const MOST_BYTES = 65_536

/** Which failures a page is for. */
export type PageStatus = number | '4xx' | '5xx' | 'default'

export interface PageOptions {
  readonly status: PageStatus
  readonly format: PageFormat
  readonly text: TemplateText
  /** Also in the place of answers of upstreams. */
  readonly intercept: boolean
}

/** In the order in which they were written. */
export type ErrorPagesOptions = readonly PageOptions[]

const status = parsed('a status from 400 to 599, 4xx, 5xx or default', (text): string | Problem =>
  /^([45](\d\d|xx)|default)$/.test(text) ? text : { problem: '' },
)

const FORMATS: Readonly<Record<string, PageFormat>> = { html: 'html', htm: 'html', json: 'json', txt: 'text' }

const page = mapped(
  object({
    file: required(
      textFile(MOST_BYTES),
      'File with the page, relative to the config file: at most 64 KiB of UTF-8. It may name values such as {failure.reason}, which are escaped for its format.',
    ),
    format: optional(
      oneOf('html', 'json', 'text'),
      'Which clients get it, by their Accept: html, json (also those that name nothing), or text. Default: as the extension says (.html, .json, .txt).',
    ),
    intercept: withDefault(
      boolean(),
      false,
      'Whether it also takes the place of answers of an upstream with this status.',
    ),
  }),
  ({ file, format = formatOf(file), intercept }, refuse): ReturnType<typeof refuse> | Omit<PageOptions, 'status'> => {
    if (format === undefined) return refuse(`${file.path} may be html, json or text; write format`)
    const text = textParts(file.text, { values: Object.keys(FAILURE_VALUES), elsewhere: [], params: false })
    if ('problem' in text) return refuse(`${file.path}, line ${lineAt(file.text, text.index)}: ${text.problem}`)
    if (format === 'json' && !isJson(text)) return refuse(`${file.path} is no JSON once its values are written`)
    const misplaced = format === 'html' ? inScript(text.texts) : -1
    if (misplaced !== -1)
      return refuse(`${file.path}: {${text.names[misplaced]}} stands in a script or style, where it cannot be escaped`)
    return { format, intercept, text: text.names.length === 0 ? text.texts.join('') : text }
  },
)

export const keys: Schema<ErrorPagesOptions> = mapped(
  map(status, oneOrMany(page), 'a map from a status, 4xx, 5xx or default to a page'),
  (pages, refuse) => {
    const all = [...pages].flatMap(([status, list]) => list.map((one) => ({ ...one, status: statusOf(status) })))
    const twice = all.find((one, i) => all.findIndex((other) => isSame(one, other)) !== i)
    return twice === undefined ? all : refuse(`${twice.status} has two pages of format ${twice.format}`)
  },
)

function statusOf(text: string): PageStatus {
  return text === '4xx' || text === '5xx' || text === 'default' ? text : Number(text)
}

function isSame(a: PageOptions, b: PageOptions): boolean {
  return a.status === b.status && a.format === b.format
}

function formatOf({ path }: FileText): PageFormat | undefined {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  return Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** Texts must stand in quotes; a status is a number. An empty text is one that was not read. */
function isJson({ names, texts }: TemplateParts): boolean {
  const whole = texts.reduce((before, text, i) => before + (names[i - 1] === 'failure.status' ? '0' : 'x') + text)
  if (whole === '') return true
  try {
    JSON.parse(whole)
    return true
  } catch {
    return false
  }
}

/** The first value that stands between the tags of a script or a style sheet; -1: none does. */
function inScript(texts: readonly string[]): number {
  let before = ''
  for (const [i, text] of texts.slice(0, -1).entries()) {
    before += text.toLowerCase()
    const inside = ['script', 'style'].some((tag) => before.lastIndexOf(`<${tag}`) > before.lastIndexOf(`</${tag}`))
    if (inside) return i
  }
  return -1
}
