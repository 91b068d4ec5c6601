import type { Form } from '../seeing/metrics/exposition.ts'
import { metricsForm } from './metrics-form.ts'
import { liveness, type ProbeAnswer, type ProbeFacts, readiness, startup } from './probes.ts'

export interface Exposition {
  readonly contentType: string
  readonly body: string | Buffer
}

/** What the pages are made of. */
export interface PageSources {
  readonly facts: () => ProbeFacts
  readonly metrics: (form: Form) => Promise<Exposition>
}

/** An answer as it is sent, but for the fields that all answers have. */
export interface AdminAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

export type PageName = 'livez' | 'readyz' | 'startupz' | 'metrics'

/** Who may see it, where there is a guard. */
export const PAGE_NEEDS: Readonly<Record<PageName, 'viewer' | 'nothing'>> = {
  livez: 'nothing',
  readyz: 'nothing',
  startupz: 'nothing',
  metrics: 'viewer',
}

/** Shows a page. `accept`: that field of the request. */
export type ShowPage = (accept: string | undefined) => AdminAnswer | Promise<AdminAnswer>

/** The pages that machines ask for all the time, by name. */
export type ControlPages = Readonly<Record<PageName, ShowPage>>

export function pagesOf({ facts, metrics }: PageSources): ControlPages {
  // Scrapes at the same time share one exposition.
  const running = new Map<Form, Promise<Exposition>>()
  const shared = (form: Form): Promise<Exposition> =>
    running.getOrInsertComputed(form, () => metrics(form).finally(() => running.delete(form)))
  return {
    livez: () => shown(liveness(facts())),
    readyz: () => shown(readiness(facts())),
    startupz: () => shown(startup(facts())),
    async metrics(accept) {
      const { contentType, body } = await shared(metricsForm(accept))
      return { status: 200, headers: { vary: 'accept', 'content-type': contentType }, body }
    },
  }
}

function shown({ ok, reasons, notes }: ProbeAnswer): AdminAnswer {
  const body = JSON.stringify({ status: ok ? 'ok' : 'unavailable', reasons, notes })
  return { status: ok ? 200 : 503, headers: { 'content-type': 'application/json; charset=utf-8' }, body }
}
