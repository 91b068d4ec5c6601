/**
 * Something that is in one of several states for long, as the gateway describes it: a circuit breaker.
 * @typedef {object} Lasting
 * @property {string} list
 * @property {string} kind of its events
 * @property {string} name with what tells it apart: `breaker app → orders`
 * @property {Record<string, string>} values by label
 * @property {string} state
 * @property {string} text what that means, and why
 * @property {number} since
 * @property {string} tone good, warn or bad
 * @property {boolean} normal it needs no attention
 * @property {any} forced how operators force it; undefined: they cannot
 */

/**
 * All of it, in the order of its lists.
 * @param {any} now
 * @returns {Lasting[]}
 */
export function lastingOf(now) {
  return Object.entries(now.lasting).flatMap(([list, shape]) =>
    Object.values(now[list]).map(({ since, state, text, ...values }) => ({
      list,
      kind: shape.kind,
      name: `${shape.kind} ${shape.labels.map((label) => values[label]).join(' → ')}`,
      values,
      state,
      text,
      since,
      tone: shape.levels[state] ?? '',
      normal: state === shape.normal,
      forced: shape.forced,
    })),
  )
}

/**
 * Its changes of the last 15 minutes, the oldest first.
 * @param {any} now
 * @param {Lasting} lasting
 */
export function changesOf({ events }, { kind, values }) {
  const labels = Object.entries(values)
  return events.filter((event) => event.kind === kind && labels.every(([label, value]) => event[label] === value))
}
