/** Below the page, so that it holds behind any prefix. */
const BASE = '../api/v1/'

/** The gateway said no, or nothing; the message is for people. `status` 0: no answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {readonly string[]} [problems]
   */
  constructor(status, message, problems = []) {
    super(message)
    this.status = status
    this.problems = problems
  }
}

/** The admin API of the gateway that this page came from. */
export class Api {
  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this.session = session
  }

  /**
   * @param {string} path
   * @param {AbortSignal} [signal]
   */
  async get(path, signal) {
    return (await this.open(path, { signal })).json()
  }

  /**
   * @param {string} path
   * @param {object} body
   */
  async post(path, body) {
    const answer = await this.open(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return answer.json()
  }

  /**
   * The answer's head is there, and it is a good one.
   * @param {string} path
   * @param {any} [options]
   */
  async open(path, options = {}) {
    const { token } = this.session
    const headers = { ...options.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    let answer
    try {
      answer = await fetch(BASE + path, { ...options, headers })
    } catch (error) {
      if (options.signal?.aborted) throw error
      throw new ApiError(0, 'The gateway does not answer.')
    }
    if (answer.ok) return answer
    const body = await answer.json().catch(() => ({}))
    throw new ApiError(answer.status, body.detail ?? `status ${answer.status}`, body.problems)
  }
}
