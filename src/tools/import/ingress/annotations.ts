import { hashSource } from '../common/hash-source.ts'
import { retryConditions } from '../common/retry-conditions.ts'
import { durationOf } from '../common/times.ts'
import {
  type AnnotationRule,
  missing,
  NEEDLESS_ANNOTATIONS,
  redirectRule,
  restricting,
  STATUS,
  snippet,
  timed,
  tlsRedirect,
} from './rules.ts'

const PODS = 'only with a headless Service are its endpoints the pods; otherwise the Service balances'

/** By the part behind `nginx.ingress.kubernetes.io/`. */
export const ANNOTATIONS: Readonly<Record<string, AnnotationRule>> = {
  'rewrite-target': {
    becomes: '`rewrite`, where it is a prefix or a fixed path',
    apply: (value, settings) => {
      settings.rewriteTarget = value
      settings.useRegex = true
    },
  },
  'use-regex': {
    becomes: 'paths as regular expressions, the longest first, as ingress-nginx orders them',
    apply: (value, settings) => {
      settings.useRegex ||= value === 'true'
    },
  },
  'app-root': {
    becomes: 'a route for `/` with `redirect`',
    apply: (value, settings) => {
      settings.appRoot = value
    },
  },
  'permanent-redirect': redirectRule(301),
  'permanent-redirect-code': STATUS,
  'temporal-redirect': redirectRule(302),
  'temporal-redirect-code': STATUS,
  'from-to-www-redirect': {
    becomes: 'a route for the other name with `redirect`',
    apply: (value, settings) => {
      settings.wwwRedirect = value === 'true'
    },
  },
  'ssl-redirect': tlsRedirect(),
  'force-ssl-redirect': tlsRedirect(),
  'server-alias': {
    becomes: '`match.hosts`',
    apply: (value, settings, leave) => {
      for (const alias of value.split(',').map((name) => name.trim())) {
        if (/^(\*\.)?[\w.-]+$/.test(alias)) settings.aliases.push(alias)
        else leave(`${JSON.stringify(alias)} is not a host that match.hosts supports`)
      }
    },
  },
  'proxy-connect-timeout': timed('`upstreams.NAME.timeouts.connect`', (settings, time) => {
    settings.upstream.timeouts = { connect: time }
  }),
  'proxy-read-timeout': timed('`timeouts` attempt, idle and stream, and request for all attempts', (settings, time) => {
    settings.read = time
  }),
  'proxy-send-timeout': missing('timeouts.minRate bounds slow uploads by their rate'),
  'proxy-next-upstream': {
    becomes: '`retries.when`, `retries.methods`',
    apply: (value, settings, leave) => {
      const { methods, unknown, when } = retryConditions(value.split(/[\s,]+/))
      settings.retriesOff = when === undefined
      Object.assign(settings.retries, { when, methods })
      if (unknown.length > 0) leave(`no condition of retries.when: ${unknown.join(', ')}`)
    },
  },
  'proxy-next-upstream-tries': {
    becomes: '`retries.maxExtra`: one less; 0 (as many as there are) becomes 10',
    apply: (value, settings, leave) => {
      const attempts = Number(value)
      if (!/^\d+$/.test(value) || attempts > 11) leave('retries.maxExtra goes from 0 to 10')
      if (attempts === 0) leave('carried over as retries.maxExtra: 10, since every number of attempts has a bound')
      settings.retries.maxExtra = attempts === 0 || !(attempts <= 11) ? 10 : attempts - 1
    },
  },
  'proxy-next-upstream-timeout': {
    becomes: 'nothing to do for 0; else listed: `timeouts.request` bounds all attempts',
    apply: (value, _settings, leave) => {
      if (value !== '0') leave('timeouts.request bounds the request with all its attempts')
    },
  },
  'backend-protocol': {
    becomes: 'HTTP and HTTPS: the scheme of endpoints; HTTPS is carried over with `tls.verify: false`, as it was',
    apply: (value, settings, leave) => {
      const protocol = value.toUpperCase()
      if (protocol === 'HTTP' || protocol === 'AUTO_HTTP') return
      if (protocol === 'HTTPS') {
        settings.scheme = 'https'
        settings.upstream.tls ??= { verify: false }
        leave('carried over, with tls.verify: false as ingress-nginx does; give tls.ca and leave it out')
        return
      }
      settings.closed = 501
      leave(`${protocol} to upstreams is not in this version of Sluice; its routes answer 501`)
    },
  },
  'proxy-ssl-verify': {
    becomes: '`tls.verify`',
    apply: (value, settings) => {
      settings.upstream.tls = { verify: value === 'on' }
    },
  },
  affinity: {
    becomes: '`loadBalancing.sticky`, with a secret that you give',
    apply: (value, settings, leave) => {
      const sticky = settings.loadBalancing.sticky as object | undefined
      settings.loadBalancing.sticky = { cookie: 'INGRESSCOOKIE', ...sticky, secret: { env: 'SLUICE_STICKY_SECRET' } }
      leave(
        `${value === 'cookie' ? '' : 'only cookies are supported; '}carried over: set SLUICE_STICKY_SECRET; ${PODS}`,
      )
    },
  },
  'session-cookie-name': {
    becomes: '`loadBalancing.sticky.cookie`',
    apply: (value, settings) => {
      const sticky = settings.loadBalancing.sticky as object | undefined
      settings.loadBalancing.sticky = { ...sticky, cookie: value }
    },
  },
  'session-cookie-max-age': {
    becomes: '`loadBalancing.sticky.ttl`',
    apply: (value, settings) => {
      const sticky = settings.loadBalancing.sticky as object | undefined
      settings.loadBalancing.sticky = { ...sticky, ttl: durationOf(value.trim()) }
    },
  },
  'upstream-hash-by': {
    becomes: '`loadBalancing`: ring-hash with `hashOn`',
    apply: (value, settings, leave) => {
      const hashOn = hashSource(value)
      if (hashOn === undefined) {
        leave('hashOn takes a header, a cookie, a key of the query, the path or the client address')
        return
      }
      Object.assign(settings.loadBalancing, { algorithm: 'ring-hash', hashOn, balanceFactor: 'off' })
      leave(`carried over${value === '$request_uri' ? ', by the path without query' : ''}; ${PODS}`)
    },
  },
  'load-balance': {
    becomes: '`loadBalancing.algorithm`: round-robin, peak-ewma',
    apply: (value, settings, leave) => {
      const algorithm = { round_robin: 'round-robin', ewma: 'peak-ewma' }[value]
      if (algorithm === undefined) leave('no algorithm of Sluice')
      else settings.loadBalancing.algorithm = algorithm
    },
  },
  'upstream-vhost': {
    becomes: '`rewrite.host`',
    apply: (value, settings, leave) => {
      if (/^[\w.-]+(:\d+)?$/.test(value)) settings.host = value
      else leave('rewrite.host is a plain host')
    },
  },
  'x-forwarded-prefix': {
    becomes: '`headers.request.set`',
    apply: (value, settings) => {
      settings.requestHeaders['x-forwarded-prefix'] = value
    },
  },
  canary: {
    becomes: '`to` with weights, in the routes of the Ingress with the same host and path',
    apply: (value, settings) => {
      settings.canary.on = value === 'true'
    },
  },
  'canary-weight': {
    becomes: '`to[].weight`',
    apply: (value, settings) => {
      settings.canary.weight = Number(value) || 0
    },
  },
  'canary-weight-total': {
    becomes: '`to[].weight`',
    apply: (value, settings) => {
      settings.canary.total = Number(value) || 100
    },
  },
  'canary-by-header': {
    becomes: 'a route with `match.headers`',
    apply: (value, settings) => {
      settings.canary.header = value
    },
  },
  'canary-by-header-value': {
    becomes: '`match.headers` exact',
    apply: (value, settings) => {
      settings.canary.value = value
    },
  },
  'canary-by-header-pattern': {
    becomes: '`match.headers` regex',
    apply: (value, settings) => {
      settings.canary.pattern = value
    },
  },
  'canary-by-cookie': missing('conditions on cookies are not in this version of Sluice'),
  'whitelist-source-range': restricting('access by client address'),
  'allowlist-source-range': restricting('access by client address'),
  'denylist-source-range': restricting('access by client address'),
  'auth-type': restricting('authentication'),
  'auth-secret': NEEDLESS_ANNOTATIONS,
  'auth-realm': NEEDLESS_ANNOTATIONS,
  'auth-url': restricting('authentication'),
  'auth-signin': NEEDLESS_ANNOTATIONS,
  'auth-response-headers': NEEDLESS_ANNOTATIONS,
  'auth-tls-secret': restricting('authentication by client certificate'),
  'auth-tls-verify-client': NEEDLESS_ANNOTATIONS,
  'limit-rps': missing('rate limits are not in this version of Sluice'),
  'limit-rpm': missing('rate limits are not in this version of Sluice'),
  'limit-burst-multiplier': missing('rate limits are not in this version of Sluice'),
  'limit-connections': missing('bulkhead bounds requests of a route, not those of one client'),
  'limit-whitelist': missing('rate limits are not in this version of Sluice'),
  'proxy-body-size': missing('a bound on bodies is not in this version of Sluice'),
  'custom-headers': missing('its ConfigMap is not in the file; write headers.response.set'),
  'custom-http-errors': missing('fallback answers where no upstream does'),
  'default-backend': missing('fallback.route answers where no upstream does'),
  'enable-cors': missing('CORS is not in this version of Sluice'),
  'ssl-passthrough': missing('Sluice has no TLS listeners in this version'),
  'mirror-target': missing('mirroring is not in this version of Sluice'),
  'enable-modsecurity': missing('there is no web application firewall'),
  'server-snippet': snippet(),
  'configuration-snippet': snippet(),
  'service-upstream': NEEDLESS_ANNOTATIONS,
  'enable-access-log': NEEDLESS_ANNOTATIONS,
  'proxy-buffering': NEEDLESS_ANNOTATIONS,
  'proxy-buffer-size': NEEDLESS_ANNOTATIONS,
  'proxy-buffers-number': NEEDLESS_ANNOTATIONS,
  'proxy-http-version': NEEDLESS_ANNOTATIONS,
  'proxy-request-buffering': NEEDLESS_ANNOTATIONS,
}
