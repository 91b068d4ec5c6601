import { h, write, writeClass } from '../lib/dom.js'

const PAGE_ROWS = 25

/**
 * A column. `text`: what is shown; `value`: what is sorted by (the text otherwise); `long`: a text that may have no spaces.
 * `tone`: good, warn, bad or empty.
 * @typedef {{
 *   label: string, num?: boolean, long?: boolean, text: (row: any) => string, value?: (row: any) => number | string,
 *   href?: (row: any) => string | undefined, tone?: (row: any) => string, badge?: boolean,
 *   action?: (row: any) => { label: string, name: string, run: () => void } | undefined
 * }} Column
 */

/** A table of many rows: sorted, filtered and in pages, so that what is painted stays small. */
export class Table {
  /**
   * @param {{ title: string, caption: string, columns: readonly Column[], key: (row: any) => string, sort: number,
   *   descending?: boolean, empty: string }} options `sort`: number of the column
   */
  constructor({ title, caption, columns, key, sort, descending = true, empty }) {
    this.columns = columns
    this.key = key
    this.sort = sort
    this.descending = descending
    /** @type {readonly any[]} */
    this.rows = []
    this.order = []
    this.from = 0
    this.made = new Map()
    this.heads = columns.map((column, i) => this.#head(column, i))
    this.body = h('tbody')
    this.filter = h('input', {
      type: 'search',
      placeholder: 'Filter',
      'aria-label': `Filter ${title}`,
      oninput: () => this.#show(0),
    })
    this.range = h('span', { class: 'muted' })
    this.back = h(
      'button',
      {
        type: 'button',
        class: 'small',
        'aria-label': `${title}: previous page`,
        onclick: () => this.#show(this.from - PAGE_ROWS),
      },
      '←',
    )
    this.next = h(
      'button',
      {
        type: 'button',
        class: 'small',
        'aria-label': `${title}: next page`,
        onclick: () => this.#show(this.from + PAGE_ROWS),
      },
      '→',
    )
    this.empty = h('p', { class: 'empty' }, empty)
    this.tools = h('div', { class: 'list-tools' }, this.filter, this.range, this.back, this.next)
    this.table = h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, this.heads)), this.body)
    this.element = h(
      'section',
      { class: 'panel' },
      h('header', {}, h('h2', {}, title), this.tools),
      h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, this.table),
      this.empty,
    )
  }

  /**
   * Paints the rows in sight. The order stays while the pointer is on a row, so that it does not move away.
   * @param {readonly any[]} rows
   */
  update(rows) {
    this.rows = rows
    this.#show(this.from)
  }

  /**
   * A column of actions has no name of its own: each action has.
   * @param {Column} column
   * @param {number} i
   */
  #head({ action, label, num }, i) {
    if (action !== undefined) return h('td')
    const button = h('button', { type: 'button', onclick: () => this.#sortBy(i) }, label)
    return h('th', { scope: 'col', class: num ? 'num' : false }, button)
  }

  #sortBy(i) {
    this.descending = this.sort === i ? !this.descending : this.columns[i]?.num === true
    this.sort = i
    this.order = []
    this.#show(0)
  }

  #show(from) {
    const rows = this.#sorted(this.#filtered())
    const last = Math.max(0, rows.length - 1)
    this.from = Math.min(Math.max(0, from), last - (last % PAGE_ROWS))
    const shown = rows.slice(this.from, this.from + PAGE_ROWS)
    for (const [i, head] of this.heads.entries()) {
      if (i === this.sort) head.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending')
      else head.removeAttribute('aria-sort')
    }
    this.#place(shown)
    const many = this.rows.length > PAGE_ROWS
    this.tools.hidden = !many
    this.table.hidden = this.rows.length === 0
    this.empty.hidden = this.rows.length > 0
    if (!many) return
    write(this.range, rows.length === 0 ? 'none' : `${this.from + 1}–${this.from + shown.length} of ${rows.length}`)
    this.back.disabled = this.from === 0
    this.next.disabled = this.from + PAGE_ROWS >= rows.length
  }

  #filtered() {
    const wanted = this.filter.value.trim().toLowerCase()
    if (wanted === '') return this.rows
    return this.rows.filter((row) => this.columns.some((column) => column.text(row).toLowerCase().includes(wanted)))
  }

  #sorted(rows) {
    if (this.order.length > 0 && this.body.matches(':hover, :focus-within')) {
      const place = new Map(this.order.map((key, i) => [key, i]))
      return rows.toSorted((a, b) => (place.get(this.key(a)) ?? 1e9) - (place.get(this.key(b)) ?? 1e9))
    }
    const { text, value = text } = this.columns[this.sort]
    const sign = this.descending ? -1 : 1
    const sorted = rows
      .map((row) => ({ row, by: value(row), key: this.key(row) }))
      .sort((a, b) => sign * compare(a.by, b.by) || compare(a.key, b.key))
    this.order = sorted.map(({ key }) => key)
    return sorted.map(({ row }) => row)
  }

  #place(rows) {
    const keys = new Set(rows.map(this.key))
    for (const [key, line] of this.made) {
      if (keys.has(key)) continue
      line.element.remove()
      this.made.delete(key)
    }
    for (const [i, row] of rows.entries()) {
      const key = this.key(row)
      let line = this.made.get(key)
      if (line === undefined) {
        line = this.#line()
        this.made.set(key, line)
      }
      for (const [j, column] of this.columns.entries()) fill(line.cells[j], column, row)
      if (this.body.children[i] !== line.element) this.body.insertBefore(line.element, this.body.children[i] ?? null)
    }
  }

  #line() {
    const cells = this.columns.map(({ long, num }, i) =>
      h(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : false, class: num ? 'num' : long ? 'long' : false }),
    )
    return { cells, element: h('tr', {}, cells) }
  }
}

/**
 * @param {HTMLElement} cell
 * @param {Column} column
 * @param {any} row
 */
function fill(cell, { action, badge, href, num, text, tone }, row) {
  if (action !== undefined) return fillAction(cell, action(row))
  const target = href?.(row)
  let inner = cell
  if (target !== undefined || badge) {
    inner = /** @type {HTMLElement} */ (cell.firstElementChild) ?? cell.appendChild(h(badge ? 'span' : 'a'))
    if (target !== undefined && inner.getAttribute('href') !== target) inner.setAttribute('href', target)
  }
  write(inner, text(row))
  const own = tone?.(row) ?? ''
  if (badge) writeClass(inner, `badge ${own}`)
  else if (tone !== undefined) writeClass(cell, `${num ? 'num ' : ''}${own}`)
}

/**
 * @param {HTMLElement} cell
 * @param {{ label: string, name: string, run: () => void } | undefined} action
 */
function fillAction(cell, action) {
  let button = /** @type {any} */ (cell.querySelector('button'))
  if (action === undefined) return void button?.remove()
  if (button === null) {
    button = h('button', { type: 'button', class: 'small' })
    cell.append(button)
  }
  write(button, action.label)
  button.setAttribute('aria-label', action.name)
  button.onclick = action.run
}

/**
 * @param {number | string} a
 * @param {number | string} b
 */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0
}
