/** What a client reads a failure as, by its `Accept`. */
export type PageFormat = 'json' | 'html' | 'text'

/** A text that tells a client of a failure. */
export interface ErrorPage {
  /** Media type, with its charset. */
  readonly type: string
  readonly body: Buffer
}
