import type { CellRef } from './pages.ts'

/**
 * What one cell is made of, in slots one after another. `held`: one column per worker, and what stands in it is held;
 * `columns`: one column per worker, of which nothing is held; `words`: one stretch for all workers.
 */
export interface CellShape {
  readonly kind: 'held' | 'columns' | 'words'
  readonly size: number
}

export const HELD: CellShape = { kind: 'held', size: 1 }
export const WORD: CellShape = { kind: 'words', size: 1 }

/** @param size slots per worker */
export function columnsOf(size: number): CellShape {
  return { kind: 'columns', size }
}

/** @param size slots */
export function wordsOf(size: number): CellShape {
  return { kind: 'words', size }
}

const BLOCK: unique symbol = Symbol('block')

/** Cells that are given out, retired and used again together. */
export interface CellBlock<K extends string = string> {
  readonly [BLOCK]: true
  readonly shapes: Readonly<Record<K, CellShape>>
  /** What changes the meaning of the numbers, besides whose cells they are: with another one they begin anew. */
  readonly fingerprint: readonly (string | number)[]
}

/** See {@link CellBlock}. */
export function block<K extends string>(
  shapes: Readonly<Record<K, CellShape>>,
  fingerprint: readonly (string | number)[] = [],
): CellBlock<K> {
  return { [BLOCK]: true, shapes, fingerprint }
}

export function isBlock(tree: CellTree): tree is CellBlock {
  return BLOCK in tree
}

/** What a user of cells needs: blocks by name, in any nesting; `undefined` needs none. */
export type CellTree = CellBlock | { readonly [name: string]: CellTree | undefined }

/** The same tree with the places of the cells. */
export type Leased<T> = T extends undefined
  ? undefined
  : T extends CellBlock<infer K>
    ? Readonly<Record<K, CellRef>>
    : { readonly [N in keyof T]: Leased<T[N]> }
