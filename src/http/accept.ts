import type { PageFormat } from '../core/error-page.ts'

/** The one of the three that the client names first in `Accept`; JSON if it names none. */
export function preferredFormat(accept: string | undefined): PageFormat {
  if (accept === undefined) return 'json'
  const lower = accept.toLowerCase()
  const json = lower.indexOf('json')
  const html = lower.indexOf('text/html')
  const text = lower.indexOf('text/plain')
  const first = Math.min(...[json, html, text].filter((at) => at !== -1))
  if (first === html && html !== -1) return 'html'
  if (first === text && text !== -1) return 'text'
  return 'json'
}
