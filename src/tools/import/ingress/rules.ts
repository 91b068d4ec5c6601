import { redirectTo } from '../common/redirect-to.ts'
import { durationOf } from '../common/times.ts'
import type { Settings } from './settings.ts'

/** Reports that something is not carried over, or not unchanged. */
type Leave = (why: string) => void

/** What becomes of one annotation. */
export interface AnnotationRule {
  /** For the docs: the key of Sluice that says the same, or why there is none. */
  readonly becomes: string
  readonly apply: (value: string, settings: Settings, leave: Leave) => void
}

/** A value that only a policy of a later version can express. */
export function missing(why: string): AnnotationRule {
  return { becomes: `listed: ${why}`, apply: (_value, _settings, leave) => leave(why) }
}

/** Access rules: what cannot be checked is closed, never left open. */
export function restricting(what: string): AnnotationRule {
  return {
    becomes: `listed; its routes answer 403, so that nothing is open that was closed`,
    apply: (_value, settings, leave) => {
      settings.closed = 403
      leave(
        `${what} is not in this version of Sluice: its routes answer 403 until you check in front and give them a "to"`,
      )
    },
  }
}

/** Means nothing to Sluice, or holds anyway. */
export const NEEDLESS_ANNOTATIONS: AnnotationRule = { becomes: 'nothing to do', apply: () => {} }

/** A time that is set. */
export function timed(becomes: string, set: (settings: Settings, time: string) => void): AnnotationRule {
  return {
    becomes,
    apply: (value, settings, leave) => {
      const time = durationOf(value.trim())
      if (time === undefined) leave(`${JSON.stringify(value)} is no time`)
      else set(settings, time)
    },
  }
}

/** Another place for the client. */
export function redirectRule(status: number): AnnotationRule {
  return {
    becomes: '`redirect`',
    apply: (value, settings, leave) => {
      const target = redirectTo(value)
      if (target === undefined) {
        settings.closed = 501
        leave('this address cannot be said in redirect; its routes answer 501')
        return
      }
      settings.redirect = { ...target.to, status }
      if (target.dropsQuery) leave('carried over, but Sluice sends the query of the request along')
    },
  }
}

function status(value: string, settings: Settings, leave: Leave): void {
  if (['301', '302', '303', '307', '308'].includes(value)) settings.redirectStatus = Number(value)
  else leave('a redirect has status 301, 302, 303, 307 or 308')
}

/** Status of a redirect. */
export const STATUS: AnnotationRule = { becomes: '`redirect.status`', apply: status }

/** From http to https. */
export function tlsRedirect(): AnnotationRule {
  return {
    becomes: 'nothing to do for `false`; else listed: Sluice has no TLS listeners in this version',
    apply: (value, _settings, leave) => {
      if (value !== 'false') leave('Sluice has no TLS listeners in this version; redirect where TLS ends')
    },
  }
}

/** Lines of nginx in an annotation. */
export function snippet(): AnnotationRule {
  return {
    becomes: 'listed; its routes answer 403 if it may restrict access',
    apply: (value, settings, leave) => {
      const restricts = /\b(deny|allow|auth_\w+|satisfy|if|return|limit_except|internal)\b/.test(value)
      if (restricts) settings.closed = 403
      leave(`lines of nginx are not read${restricts ? '; these may restrict access, so its routes answer 403' : ''}`)
    },
  }
}
