import type { Clock } from '../../../lib/clock.ts'

/** `text`: Prometheus 0.0.4; `openmetrics`: OpenMetrics 1.0, which has exemplars. */
export type Form = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Form, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** One observation, and where its trace is. */
export interface Exemplar {
  readonly traceId: string
  readonly spanId: string
  readonly seconds: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** One line of a metric. */
export interface SampleLine {
  /** Behind the metric's name: empty, `_bucket`, `_sum` or `_count`. */
  readonly suffix: string
  /** See {@link labelText}. */
  readonly labels: string
  readonly value: number
  readonly exemplar: Exemplar | undefined
}

/** One series as it stands. */
export interface Series {
  readonly labels: Labels
  /** As it is shown. */
  readonly lines: Iterable<SampleLine>
  /** Slots of a histogram of ours (`names.ts`); undefined: a histogram that prom-client measures. */
  readonly value: number | Float64Array | undefined
}

export type Labels = Readonly<Record<string, string | number>>

/** A metric with all its series. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly kind: string
  readonly series: () => Iterable<Series>
}

/** The event loop is held no longer than this without a pause, except for one series. */
const SLICE_MS = 5

/** `a="b",c="d"`, escaped; empty without labels. */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',')
}

/** Writes metrics, series by series, with pauses for the event loop. */
export async function expose(families: Iterable<Family>, form: Form, clock: Clock): Promise<Buffer> {
  const parts: Buffer[] = []
  let text = ''
  let since = clock.now()
  const pause = async (): Promise<void> => {
    parts.push(Buffer.from(text))
    text = ''
    await new Promise<void>((resolve) => clock.after(0, resolve))
    since = clock.now()
  }
  for (const family of families) {
    text += head(family, form)
    for (const { lines } of family.series()) {
      for (const sample of lines) text += line(family.name, sample, form)
      if (clock.now() - since >= SLICE_MS) await pause()
    }
  }
  parts.push(Buffer.from(form === 'openmetrics' ? `${text}# EOF\n` : text))
  return Buffer.concat(parts)
}

/** OpenMetrics names counters without `_total`; a counter that lacks it has an unknown type there. */
function head({ help, kind, name }: Family, form: Form): string {
  const counts = form === 'openmetrics' && kind === 'counter'
  const shown = counts ? name.replace(/_total$/, '') : name
  const type = counts && shown === name ? 'unknown' : kind
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return `# HELP ${shown} ${form === 'openmetrics' ? text.replaceAll('"', '\\"') : text}\n# TYPE ${shown} ${type}\n`
}

function line(name: string, { exemplar, labels, suffix, value }: SampleLine, form: Form): string {
  const set = labels === '' ? '' : `{${labels}}`
  const shown = exemplar === undefined || form === 'text' ? '' : exemplarText(exemplar)
  return `${name}${suffix}${set} ${numberText(value)}${shown}\n`
}

function exemplarText({ at, seconds, spanId, traceId }: Exemplar): string {
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${numberText(seconds)} ${(at / 1000).toFixed(3)}`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** A series of one number. */
export function simple(labels: Labels, text: string, value: number): Series {
  return { labels, value, lines: [{ suffix: '', labels: text, value, exemplar: undefined }] }
}
