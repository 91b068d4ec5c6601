import type { AnyFeature } from '../core/feature.ts'

/**
 * The features of the live config. All parts of the control plane have this one list: when the plug-ins change, it has other
 * entries.
 */
export class FeatureList {
  private readonly entries: AnyFeature[]

  constructor(first: readonly AnyFeature[]) {
    this.entries = [...first]
  }

  /** The same object as long as the gateway lives. */
  get all(): readonly AnyFeature[] {
    return this.entries
  }

  replace(features: readonly AnyFeature[]): void {
    this.entries.splice(0, this.entries.length, ...features)
  }
}
