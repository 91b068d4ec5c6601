import type { Draft } from '../common/draft.ts'
import { ANNOTATIONS } from './annotations.ts'
import type { Backend, Ingress, IngressPath } from './read.ts'
import { emptySettings, type Settings } from './settings.ts'

const OURS = 'nginx.ingress.kubernetes.io/'
/** What other tools note for themselves. */
const NOTES =
  /^((.*\.)?kubectl\.kubernetes\.io|kubernetes\.io\/ingress\.class|meta\.helm\.sh|argocd\.argoproj\.io|external-dns\.alpha\.kubernetes\.io)/

/** One path of one host. */
export interface IngressClaim {
  readonly ingress: Ingress
  readonly settings: Settings
  readonly host: string | undefined
  readonly path: IngressPath
}

/** What an Ingress asks for; what cannot be carried over is listed. */
export function settingsOf(ingress: Ingress, draft: Draft): Settings {
  const settings = emptySettings()
  for (const [key, { line, value }] of ingress.annotations) {
    const name = key.startsWith(OURS) ? key.slice(OURS.length) : undefined
    const rule = name !== undefined && Object.hasOwn(ANNOTATIONS, name) ? ANNOTATIONS[name] : undefined
    const leave = (why: string): void =>
      draft.leave({ file: ingress.file, line }, `${name ?? key}: ${short(value)}`, why)
    if (rule !== undefined) rule.apply(value, settings, leave)
    else if (name !== undefined) leave('this annotation is unknown')
    else if (!NOTES.test(key)) leave('not an annotation of ingress-nginx')
  }
  const sticky = settings.loadBalancing.sticky as { secret?: object } | undefined
  if (sticky !== undefined && sticky.secret === undefined) delete settings.loadBalancing.sticky
  return settings
}

/** The paths of an Ingress, its default backend included. */
export function ingressClaims(ingress: Ingress, settings: Settings): readonly IngressClaim[] {
  const claims: IngressClaim[] = []
  const fallback = ingress.defaultBackend
  for (const { host, line, paths } of ingress.rules) {
    for (const name of host === undefined ? [undefined] : [host, ...settings.aliases]) {
      for (const path of paths) claims.push({ ingress, settings, host: name, path })
      const isWhole = paths.some(({ path, type }) => path === '/' && type !== 'Exact')
      if (!isWhole && (fallback !== undefined || paths.length === 0))
        claims.push({ ingress, settings, host: name, path: rest(fallback, fallback?.line ?? line) })
    }
  }
  if (ingress.rules.length === 0 && fallback !== undefined)
    claims.push({ ingress, settings, host: undefined, path: rest(fallback, fallback.line) })
  return claims
}

/** All paths that no other takes. */
function rest(backend: Backend | undefined, line: number): IngressPath {
  return { path: '/', type: 'Prefix', backend, line }
}

/** Of text that may be long or have many lines. */
function short(value: string): string {
  const line = value.replace(/\s+/g, ' ').trim()
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}
