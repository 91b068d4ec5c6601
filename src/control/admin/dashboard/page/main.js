import { Actions } from './actions.js'
import { h, write, writeClass } from './lib/dom.js'
import { Api } from './live/api.js'
import { Session } from './live/session.js'
import { State } from './live/state.js'
import { follow } from './live/stream.js'
import { ConfigPage } from './pages/config.js'
import { Overview } from './pages/overview.js'
import { RequestPage } from './pages/request.js'
import { RequestsPage } from './pages/requests.js'
import { RoutePage } from './pages/route.js'
import { UpstreamPage } from './pages/upstream.js'
import { ask } from './parts/dialog.js'
import { say } from './parts/say.js'
import { themeSwitch } from './parts/theme.js'

const PAGES = {
  '': Overview,
  route: RoutePage,
  upstream: UpstreamPage,
  requests: RequestsPage,
  request: RequestPage,
  config: ConfigPage,
}
const UNKNOWN_TOKEN = 'The gateway does not know that token.'
const LINK = { connecting: ['connecting', ''], live: ['live', 'good'], lost: ['reconnecting', 'bad'] }

const session = new Session()
const api = new Api(session)
const state = new State()
const actions = new Actions(api)
const [main, instance, linkState, who, theme] = ['main', 'instance', 'link-state', 'who', 'theme'].map(
  (id) => /** @type {HTMLElement} */ (document.getElementById(id)),
)
/** @type {any} */
let page
let painting = false

/** `#/route/orders` is the page `route` of `orders`; what follows a question mark is the page's own. */
function open() {
  session.takeFromAddress()
  const [path = '', query = ''] = location.hash.slice(2).split('?')
  const [name = '', ...rest] = path.split('/').map(decoded)
  const Page = PAGES[name] ?? Overview
  page?.close?.()
  page = new Page({ api, state, actions, name: rest.join('/'), query: new URLSearchParams(query) })
  main.replaceChildren(page.element)
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  scrollTo(0, 0)
  title()
  paint()
}

/** A broken escape in a typed address stays as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function title() {
  const { instance: who } = state.now
  const text = who === undefined ? 'Sluice' : `${who.gateway} · ${who.host}`
  write(instance, text)
  document.title = page?.title ? `${page.title} · ${text} · Sluice` : `${text} · Sluice`
}

/** At most once a frame, whatever has come in. */
function paint() {
  if (painting) return
  painting = true
  requestAnimationFrame(() => {
    painting = false
    if (!state.empty) page.update()
  })
}

async function identify() {
  try {
    const { name, role } = await api.get('whoami')
    // Where reading takes no token, a wrong one is not refused either.
    if (!name && session.token !== undefined) {
      session.keep(undefined)
      say(UNKNOWN_TOKEN)
    }
    actions.allowed = role !== 'viewer'
    write(who, name ? `${name} (${role})` : 'Sign in')
  } catch (error) {
    actions.allowed = false
    write(who, 'Sign in')
    if (error.status === 401) await signIn(session.token === undefined ? '' : `${UNKNOWN_TOKEN} `)
  }
  paint()
}

/** `problem`: what was wrong with the token before. */
async function signIn(problem = '') {
  if (document.querySelector('dialog') !== null) return
  const answer = await ask({
    title: 'Sign in',
    text: `${problem}The token of a viewer, operator or admin. It stays in this tab; leave it empty to go on without one.`,
    yes: 'Sign in',
    fields: [{ name: 'token', label: 'Token', type: 'password' }],
  })
  if (answer === undefined) return
  session.keep(answer.token === '' ? undefined : answer.token)
  await identify()
  if (answer.token === session.token && !actions.allowed) say('Signed in as a viewer.')
  open()
}

who.addEventListener('click', () => void signIn())
themeSwitch(theme, () => {
  page?.repaint?.()
  paint()
})
addEventListener('hashchange', () => {
  open()
  // Not where it scrolls to: the heading would be below the bar.
  main.focus({ preventScroll: true })
})
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})

open()
main.prepend(h('p', { class: 'muted', id: 'waiting' }, 'Asking the gateway …'))
void identify()
let before = ''
void follow(api, {
  event(name, data) {
    if (name === 'snapshot') {
      document.getElementById('waiting')?.remove()
      state.snapshot(data)
      title()
      page.reload?.()
    } else if (name === 'update') state.update(data)
    else return
    page.tick?.()
    paint()
  },
  state(name, error) {
    // Between two attempts nothing is new.
    if (name === before || (name === 'connecting' && before === 'lost')) return
    // What is shown stays as it was: it is better than nothing, and is told to be old.
    const [text, tone] = LINK[name]
    write(linkState, error !== undefined && error.status !== 0 ? error.message : text)
    writeClass(linkState, `badge ${tone}`)
    if (name === 'lost' && before === 'live') say('The gateway does not answer; connecting again.')
    if (error?.status === 401 || (name === 'live' && before === 'lost')) void identify()
    before = name
  },
})
