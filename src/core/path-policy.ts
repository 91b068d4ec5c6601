/** What is done with paths that servers read in different ways. */
export interface PathPolicyConfig {
  readonly dots: 'refuse' | 'normalise'
  /** Of empty segments. */
  readonly slashes: 'check' | 'merge' | 'keep' | 'refuse'
  /** Of `;x`. */
  readonly parameters: 'check' | 'keep' | 'refuse'
}

/** The path policy of all listeners without one of their own. */
export interface PathPoliciesConfig extends PathPolicyConfig {
  readonly listeners: readonly (PathPolicyConfig & { readonly listener: string })[]
}

/** What a route does with `%2F` in its paths. */
export type EncodedSlashes = 'check' | 'keep' | 'refuse'
