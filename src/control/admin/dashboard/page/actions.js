import { ask } from './parts/dialog.js'
import { say } from './parts/say.js'

/** What an operator may do; each asks first and says what came of it. A viewer may nothing. */
export class Actions {
  /** @param {import('./live/api.js').Api} api */
  constructor(api) {
    this.api = api
    this.allowed = false
  }

  /** @param {{ upstream: string, endpoint: string, state: string }} facts */
  async endpoint({ upstream, endpoint, state }) {
    const to = state === 'draining' ? 'undrain' : 'drain'
    const text =
      to === 'drain'
        ? 'It gets no new requests until it is taken back; those in flight finish.'
        : 'It gets requests again, as its health allows.'
    const title = `${to === 'drain' ? 'Drain' : 'Take back'} ${endpoint}?`
    if ((await ask({ title, text, yes: to === 'drain' ? 'Drain' : 'Take back' })) === undefined) return
    await this.#run(
      'endpoints',
      { upstream, endpoint, to },
      `${endpoint}: ${to === 'drain' ? 'drained' : 'taken back'}`,
    )
  }

  /** @param {import('./live/lasting.js').Lasting} lasting what may be forced */
  async force({ forced, name, values }) {
    await ask({
      title: `Force the ${name}?`,
      text: forced.doc,
      yes: 'Force',
      fields: [
        { name: 'to', label: 'State', options: forced.to.map((state) => [state, state]) },
        { name: 'for', label: 'For how long (such as 10m)', value: '10m' },
      ],
      act: async (wanted) => {
        const answer = await this.api.post(forced.path, { ...values, ...wanted })
        say(`The ${name}: forced ${wanted.to}${unstored(answer)}`)
      },
    })
  }

  /** @param {import('./live/lasting.js').Lasting} lasting what was forced */
  async release({ forced, name, values }) {
    const title = `Release the ${name}?`
    if ((await ask({ title, text: 'It decides itself again, at once.', yes: 'Release' })) === undefined) return
    await this.#run(forced.path, { ...values, to: forced.release }, `The ${name}: released`)
  }

  async reload() {
    const text = 'The config files are read again. If they are bad, nothing changes.'
    if ((await ask({ title: 'Reload the config?', text, yes: 'Reload' })) === undefined) return false
    return this.#run('reload', {}, (outcome) =>
      outcome.changed ? 'Another config is live.' : 'The config is the same.',
    )
  }

  /** @param {number} number */
  async rollback(number) {
    const text = 'That config goes live again, until the files change or are reloaded.'
    if ((await ask({ title: `Roll back to config ${number}?`, text, yes: 'Roll back' })) === undefined) return false
    return this.#run('rollback', { number }, `Config ${number} is live.`)
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {string | ((answer: any) => string)} done
   */
  async #run(path, body, done) {
    try {
      const answer = await this.api.post(path, body)
      say(`${typeof done === 'string' ? done : done(answer)}${unstored(answer)}`)
      return true
    } catch (error) {
      say(`Not done: ${error.message}`)
      return false
    }
  }
}

/**
 * What is to be said of an order that a restart forgets.
 * @param {{ durable?: boolean }} answer
 */
function unstored({ durable }) {
  return durable === false ? ', but it could not be stored: a restart forgets it' : ''
}
