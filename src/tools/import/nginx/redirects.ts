import type { Draft, Plains } from '../common/draft.ts'
import type { Directive } from './parse.ts'
import { pathRule } from './rewrites.ts'
import type { Scope } from './scope.ts'

/** A `rewrite` that answers with a redirect. */
export interface RewriteRedirect {
  readonly directive: Directive
  /** Paths that it takes; undefined: all of its block. */
  readonly path: string | undefined
  /** It is a prefix, without which this path itself is not meant; undefined: every path below it is. */
  readonly except: string | undefined
  /** Keys of `redirect`. */
  readonly redirect: Plains
}

/** Whether a `rewrite` sends the client elsewhere. */
export function isRedirect({ args: [, replacement = '', flag] }: Directive): boolean {
  return flag === 'permanent' || flag === 'redirect' || /^(https?|\$scheme):\/\//.test(replacement)
}

/** Undefined: it cannot be said, and was listed. */
export function rewriteRedirect(directive: Directive, scope: Scope, draft: Draft): RewriteRedirect | undefined {
  const [pattern = '', written = '', flag] = directive.args
  const leave = (why: string): void => draft.leave(directive, `rewrite ${directive.args.join(' ')}`, why)
  const [, scheme, host, port, rest = ''] =
    /^(?:(https?|\$scheme):\/\/(\$(?:http_)?host|\$server_name|[^/:$]+)(?::(\d+))?)?(.*)$/.exec(
      scope.withServerName(written),
    ) ?? []
  const replacement = rest.replace(/\?$/, '')
  const rule = pathRule(pattern, rest === '' ? '/' : replacement)
  if (rule === undefined) {
    leave('only a prefix, one path, or all paths can be redirected')
    return undefined
  }
  if (rest.endsWith('?') && rest !== '$request_uri?')
    leave('carried over, but Sluice sends the query of the request along')
  const origin = {
    scheme: scheme === '$scheme' ? undefined : scheme,
    host: host?.startsWith('$') === true ? undefined : host,
    port: port === undefined ? undefined : Number(port),
  }
  const status = flag === 'permanent' ? 301 : 302
  if (rule.kind !== 'prefix') {
    const path = rule.kind === 'exact' ? rule.from : undefined
    return { directive, path, except: undefined, redirect: { ...origin, path: rule.to, status } }
  }
  const { below, from, to } = rule
  const path = `${from === '/' ? '' : from}/*`
  const replacePrefix = from === to ? undefined : { from, to }
  return { directive, path, except: below ? from : undefined, redirect: { ...origin, replacePrefix, status } }
}
