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

  /** @param {{ route: string, upstream: string }} breaker */
  async force({ route, upstream }) {
    await ask({
      title: `Force the breaker ${route} → ${upstream}?`,
      text: 'Open refuses every request that it guards; closed lets every one through, whatever fails. It decides itself again after that time.',
      yes: 'Force',
      fields: [
        {
          name: 'to',
          label: 'State',
          options: [
            ['open', 'open'],
            ['closed', 'closed'],
          ],
        },
        { name: 'for', label: 'For how long (such as 10m)', value: '10m' },
      ],
      act: async (values) => {
        await this.api.post('breakers', { route, upstream, ...values })
        say(`Breaker ${route} → ${upstream}: forced ${values.to}`)
      },
    })
  }

  /** @param {{ route: string, upstream: string }} breaker */
  async release({ route, upstream }) {
    const title = `Release the breaker ${route} → ${upstream}?`
    if ((await ask({ title, text: 'It decides itself again, at once.', yes: 'Release' })) === undefined) return
    await this.#run('breakers', { route, upstream, to: 'auto' }, `Breaker ${route} → ${upstream}: released`)
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
      say(typeof done === 'string' ? done : done(answer))
      return true
    } catch (error) {
      say(`Not done: ${error.message}`)
      return false
    }
  }
}
