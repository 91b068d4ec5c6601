import type { Plains, SourceLine } from '../common/draft.ts'
import type { Location } from './locations.ts'

/** A route before its hosts and its precedence are known. */
export interface DraftRoute {
  readonly origin: SourceLine
  /** What names it. */
  readonly uri: string
  readonly paths: readonly string[]
  readonly level: number
  readonly keys: Plains
  /** It does what this location does, whose keys are not known yet. */
  readonly like: Location | undefined
}
