import { h, write, writeClass } from '../lib/dom.js'

/** A row of numbers: each a label, a number with its tone, and a note. */
export class Tiles {
  /** @param {readonly { label: string, read: () => { number: string, tone?: string, note?: string } }[]} tiles */
  constructor(tiles) {
    this.tiles = tiles.map(({ label, read }) => {
      const number = h('div', { class: 'number' })
      const note = h('div', { class: 'note' })
      return { read, number, note, element: h('div', { class: 'tile' }, h('dt', {}, label), h('dd', {}, number, note)) }
    })
    this.element = h(
      'dl',
      { class: 'tiles' },
      this.tiles.map(({ element }) => element),
    )
  }

  update() {
    for (const tile of this.tiles) {
      const { note = '', number, tone = '' } = tile.read()
      write(tile.number, tone === 'bad' ? `✕ ${number}` : tone === 'warn' ? `▲ ${number}` : number)
      writeClass(tile.number, `number ${tone}`)
      write(tile.note, note)
    }
  }
}
