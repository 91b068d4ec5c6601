import type { Form } from '../seeing/metrics/exposition.ts'

/**
 * The form of the metrics that an `Accept` asks for: OpenMetrics only if it is named and preferred at least as much as
 * text.
 */
export function metricsForm(accept = ''): Form {
  let open = 0
  let text = 0
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice('version='.length)
    if (type === 'application/openmetrics-text' && (version === undefined || version.startsWith('1.')))
      open = Math.max(open, quality)
    else if (type === 'text/plain') text = Math.max(text, quality)
  }
  return open > 0 && open >= text ? 'openmetrics' : 'text'
}
