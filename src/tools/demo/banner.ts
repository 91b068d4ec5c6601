/** Addresses as URLs without a path: `http://127.0.0.1:8080`. */
export interface BannerFacts {
  readonly web: string
  readonly admin: string
  readonly probes: string
  /** Of the token that changes need; undefined: it was printed instead, or the config names its own. */
  readonly tokenFile: string | undefined
  /** URL of the dashboard; with the token where there is one to show. */
  readonly dashboard: string
}

/** What the demo offers, in lines to paste. */
export function banner({ web, admin, probes, tokenFile, dashboard }: BannerFacts): string {
  const bearer = tokenFile === undefined ? '$TOKEN' : `$(cat ${quoted(tokenFile)})`
  const fault = (body: string): string =>
    `curl -X POST ${admin}/api/v1/demo/faults -H "authorization: Bearer ${bearer}" ` +
    `-H 'content-type: application/json' -d '${body}'`
  return `
Sluice demo: three services behind ${web}
  call     curl ${web}/orders/1     curl ${web}/catalog/     curl ${web}/echo/hello
  look     ${dashboard}
  probes   ${probes}/livez  ${probes}/readyz  ${probes}/startupz
  metrics  ${probes}/metrics
  watch    for i in $(seq 60); do curl -s -o /dev/null -w '%{http_code} by %header{x-served-by}\\n' ${web}/orders/1; sleep 0.5; done
  break    ${fault('{"port":9101,"fault":"down"}')}
           faults: down, slow, failing, breaking; {"upstream":"orders",...} means all of its endpoints
  repair   ${fault('{"port":9101,"fault":"none"}')}

`
}

/** For a shell, within double quotes and $( ). */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
