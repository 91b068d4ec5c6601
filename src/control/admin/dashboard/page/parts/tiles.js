import { h, write, writeClass } from '../lib/dom.js'

/** @typedef {{ label: string, read: () => { number: string, tone?: string, note?: string } }} Tile */

/** A row of numbers: each a label, a number with its tone, and a note. */
export class Tiles {
  /** @param {() => readonly Tile[]} make is asked at the first update: what there is to tell may depend on it */
  constructor(make) {
    this.make = make
    /** @type {any[]} */
    this.tiles = []
    this.element = h('dl', { class: 'tiles' })
  }

  update() {
    if (this.tiles.length === 0) this.#open()
    for (const tile of this.tiles) {
      const { note = '', number, tone = '' } = tile.read()
      write(tile.number, tone === 'bad' ? `✕ ${number}` : tone === 'warn' ? `▲ ${number}` : number)
      writeClass(tile.number, `number ${tone}`)
      write(tile.note, note)
    }
  }

  #open() {
    this.tiles = this.make().map(({ label, read }) => {
      const number = h('div', { class: 'number' })
      const note = h('div', { class: 'note' })
      return { read, number, note, element: h('div', { class: 'tile' }, h('dt', {}, label), h('dd', {}, number, note)) }
    })
    this.element.replaceChildren(...this.tiles.map(({ element }) => element))
  }
}
