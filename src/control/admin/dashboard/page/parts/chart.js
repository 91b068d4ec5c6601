import { h, write } from '../lib/dom.js'
import { NOTHING, time } from '../lib/format.js'
import uPlot from '../uplot.js'

const HEIGHT = 180
const SHORTEST_S = 120
const LONGEST_S = 900
const WHOLE = Array.from({ length: 21 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3))
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]]

/**
 * A line of a chart. `tint`: name of a colour in base.css; `format`: of its value in the legend.
 * @typedef {{ field: string, label: string, tint: string }} Line
 */

const MARK = 'config'

/**
 * A live chart of one series, with config changes as marks. Its legend shows values as text: those under the pointer, in
 * all charts of the page, else the latest.
 */
export class Chart {
  /**
   * @param {{ title: string, lines: readonly Line[], format: (value: number) => string, stacked?: boolean,
   *   whole?: boolean }} options `whole`: there are no halves of what is counted
   */
  constructor({ title, lines, format, stacked = false, whole = false }) {
    this.lines = lines
    this.format = format
    this.stacked = stacked
    this.whole = whole
    /** @type {readonly { at: number, hash: string }[]} */
    this.marks = []
    /** @type {any[][]} */
    this.columns = [[]]
    this.values = lines.map(() => h('b', {}, NOTHING))
    this.when = h('span', { class: 'when', hidden: true })
    const told = `Chart: ${title}. The latest values are in the legend.`
    this.plot = h('div', { class: 'plot', role: 'img', 'aria-label': told }, this.when)
    this.element = h(
      'figure',
      { class: 'panel' },
      h(
        'figcaption',
        {},
        h('h2', {}, title),
        h(
          'ul',
          { class: 'legend' },
          lines.map((line, i) => this.#key(line, i)),
        ),
      ),
      this.plot,
    )
    this.sizes = new ResizeObserver(() => this.#resize())
    this.sizes.observe(this.plot)
  }

  /**
   * One paint.
   * @param {import('../live/series.js').Series} series
   * @param {readonly { at: number, hash: string }[]} marks
   */
  update(series, marks) {
    const columns = series.columns(this.lines.map(({ field }) => field))
    this.columns = columns
    this.marks = marks
    const data = /** @type {any} */ (this.stacked ? stack(columns) : columns)
    if (this.chart === undefined) this.#draw(data)
    else this.chart.setData(data)
    this.#tell()
  }

  /** What the legend says. */
  #tell() {
    const [times, ...columns] = this.columns
    const pointed = this.chart?.cursor.idx ?? undefined
    const at = pointed ?? times.length - 1
    this.when.hidden = pointed === undefined || times[at] === undefined
    if (!this.when.hidden) write(this.when, time(times[at] * 1000))
    for (const [i, value] of this.values.entries()) {
      const told = columns[i]?.[at]
      write(value, told === null || told === undefined ? NOTHING : this.format(told))
    }
  }

  /** In the colours that hold now. */
  repaint() {
    const data = this.chart?.data
    this.chart?.destroy()
    this.chart = undefined
    if (data !== undefined) this.#draw(data)
  }

  close() {
    this.sizes.disconnect()
    this.chart?.destroy()
  }

  /** @param {Line} line @param {number} i */
  #key({ label, tint }, i) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    svg.setAttribute('viewBox', '0 0 20 8')
    svg.setAttribute('aria-hidden', 'true')
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    path.setAttribute('d', 'M0 4H20')
    path.setAttribute('stroke', `var(--chart-${tint})`)
    path.setAttribute('stroke-width', this.stacked ? '8' : '2.5')
    if (!this.stacked) path.setAttribute('stroke-dasharray', DASHES[i].join(' '))
    svg.append(path)
    return h('li', {}, svg, `${label} `, this.values[i])
  }

  #draw(data) {
    const width = this.plot.clientWidth
    if (width === 0 || data[0].length === 0) return
    const style = getComputedStyle(this.plot)
    // Asked for once: each question makes the browser lay the page out anew.
    this.markColour = this.#colour('--text')
    const steps = this.whole ? { incrs: WHOLE } : {}
    const grid = { stroke: this.#colour('--line'), width: 1 }
    const axis = { stroke: this.#colour('--muted'), grid, ticks: { show: false }, font: `11px ${style.fontFamily}` }
    this.chart = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: 'charts' } },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        padding: [8, 24, 0, 0],
        scales: {
          x: {
            range: ({ data: [times] }, _min, max) => [
              Math.max(max - LONGEST_S, Math.min(times[0], max - SHORTEST_S)),
              max,
            ],
          },
          y: { range: (_chart, _min, max) => [0, Math.max(max * 1.1, this.whole ? 4 : 0) || 1] },
        },
        axes: [
          { ...axis, size: 28, gap: 8, space: 70, values: '{HH}:{mm}:{ss}' },
          {
            ...axis,
            ...steps,
            size: 56,
            gap: 4,
            space: 32,
            values: (_chart, splits) => splits.map((split) => this.format(split)),
          },
        ],
        series: [{}, ...this.lines.map((line, i) => this.#line(line, i))],
        hooks: { draw: [(chart) => this.#mark(chart)], setCursor: [() => this.#tell()] },
      },
      data,
      this.plot,
    )
  }

  /** @param {Line} line @param {number} i */
  #line({ tint }, i) {
    const colour = this.#colour(`--chart-${tint}`)
    const points = { show: false }
    if (this.stacked) return { stroke: colour, fill: colour, width: 0, points }
    return { stroke: colour, width: 1.75, dash: DASHES[i], points }
  }

  /** A dashed line where another config went live. */
  #mark({ ctx, bbox, valToPos, scales }) {
    const { min, max } = scales.x
    ctx.save()
    ctx.strokeStyle = this.markColour
    ctx.fillStyle = ctx.strokeStyle
    ctx.lineWidth = devicePixelRatio
    ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`
    // uPlot leaves it as its last axis had it.
    ctx.textAlign = 'left'
    const width = ctx.measureText(MARK).width
    const gap = 4 * devicePixelRatio
    let free = bbox.left
    for (const { at } of this.marks) {
      const second = at / 1000
      if (second < min || second > max) continue
      const x = Math.round(valToPos(second, 'x', true))
      ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      // Lines close to each other have one word between them.
      const left = x + gap + width > bbox.left + bbox.width ? x - gap - width : x + gap
      if (left < free) continue
      ctx.fillText(MARK, left, bbox.top + 10 * devicePixelRatio)
      free = left + width + gap
    }
    ctx.restore()
  }

  /** A canvas knows no `light-dark()`: the browser says what it comes to. */
  #colour(name) {
    const probe = h('span', { hidden: true })
    probe.style.color = `var(${name})`
    this.plot.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }

  #resize() {
    const width = this.plot.clientWidth
    if (this.chart !== undefined && width > 0) this.chart.setSize({ width, height: HEIGHT })
  }
}

/**
 * Each on top of those after it, so that painting in order leaves each its own share in sight.
 * @param {any[][]} columns
 */
function stack([times, ...values]) {
  const stacked = values.map((column) => [...column])
  for (let i = stacked.length - 2; i >= 0; i--)
    for (let j = 0; j < times.length; j++) if (stacked[i][j] !== null) stacked[i][j] += stacked[i + 1][j] ?? 0
  return [times, ...stacked]
}
