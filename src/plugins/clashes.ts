import type { AnyFeature } from '../core/feature.ts'
import { metricTable } from '../core/metrics.ts'

/** What is named once over all features, by how messages call it. */
const NAMES: Readonly<Record<string, (feature: AnyFeature) => readonly string[]>> = {
  'the name': ({ name }) => [name],
  'the metric': ({ metrics = {} }) => Object.keys(metrics),
  'the figure': ({ figures = {} }) => Object.keys(figures),
  'the decision': ({ decisions = {} }) => Object.keys(decisions),
  'states.list': ({ states }) => (states === undefined ? [] : [states.list]),
  'states.kind': ({ states }) => (states === undefined ? [] : [states.kind]),
  'the algorithm': ({ provides }) => (provides?.algorithms ?? []).map(({ name }) => name),
  'the source of endpoints': ({ provides }) => (provides?.sources ?? []).map(({ key }) => key),
}

/** Names of a feature that others have already. */
export function clashes(feature: AnyFeature, others: readonly AnyFeature[]): readonly string[] {
  const found: string[] = []
  for (const [what, namesOf] of Object.entries(NAMES)) {
    for (const name of namesOf(feature)) {
      const other = others.find((one) => namesOf(one).includes(name))
      if (other !== undefined) found.push(`${what} ${name} is taken by ${ownerOf(other)}`)
      else if (what === 'the metric' && Object.hasOwn(metricTable([]), name))
        found.push(`${what} ${name} is taken by Sluice`)
    }
  }
  return found
}

function ownerOf({ name, plugin }: AnyFeature): string {
  return plugin === undefined ? `the feature ${name} of Sluice` : `the feature ${name} of the plug-in ${plugin}`
}
