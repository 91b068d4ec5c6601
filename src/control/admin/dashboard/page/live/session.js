const KEY = 'sluice-token'

/** The operator's token: kept for as long as the tab lives, and sent to this gateway only. `change`: there is another one. */
export class Session extends EventTarget {
  constructor() {
    super()
    this.token = sessionStorage.getItem(KEY) ?? undefined
  }

  /** Takes `#token=…` out of the address, so that it stays neither in sight nor in the history. */
  takeFromAddress() {
    const token = new URLSearchParams(location.hash.slice(1)).get('token')
    if (token === null) return
    this.keep(token)
    history.replaceState(null, '', `${location.pathname}${location.search}#/`)
  }

  /** @param {string | undefined} token */
  keep(token) {
    this.token = token
    if (token === undefined) sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, token)
    this.dispatchEvent(new Event('change'))
  }
}
