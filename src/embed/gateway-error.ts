import { type Diagnostic, diagnosticLine } from '../schema/diagnostics.ts'

/** Problems that the message of an error shows. */
const MOST_SHOWN = 10

/** One thing that is wrong with a config. */
export interface ConfigProblem {
  readonly severity: 'error' | 'warning'
  /** As the config was named: a path, or `config` for an object and for YAML text. */
  readonly file: string
  /** From 1; 0: it concerns the whole, or the config is an object, where `field` tells the place. */
  readonly line: number
  readonly column: number
  /** Path of keys, such as `routes.orders.retries.when[2]`; empty: it concerns the whole. */
  readonly field: string
  /** What is wrong, and what would be right. */
  readonly message: string
}

/**
 * Why a gateway could not do what it was asked for. `options`: what {@link createGateway} was given cannot be used. `config`:
 * the config has errors, or could not be made live. `listen`: a listener cannot be opened. `closed`: the gateway was closed.
 */
export type GatewayErrorCode = 'options' | 'config' | 'listen' | 'closed'

/** What the calls of this API reject with. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode
  /** Of a config, errors first; else empty. */
  readonly problems: readonly ConfigProblem[]

  constructor(
    code: GatewayErrorCode,
    message: string,
    rest: { readonly problems?: readonly ConfigProblem[]; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: rest.cause })
    this.code = code
    this.problems = rest.problems ?? []
  }
}

/** A config that was refused. */
export function configError(diagnostics: readonly Diagnostic[]): GatewayError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const lines = errors.slice(0, MOST_SHOWN).map(diagnosticLine)
  const more = errors.length - lines.length
  const message = ['the config has errors:', ...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')
  return new GatewayError('config', message, { problems: diagnostics.map(problemOf) })
}

export function problemOf({ at, message, path, severity }: Diagnostic): ConfigProblem {
  const { column, file, line } = at
  return { severity, file, line, column, field: path, message }
}
