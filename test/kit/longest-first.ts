import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that wait for long, longest first: begun last, they would be all that still runs. */
const LONGEST = [
  'test/feature/streaming/defaults.test.ts',
  'test/feature/dashboard/pages.test.ts',
  'test/feature/ships/dockerfile.test.ts',
  'test/feature/discovery/discovery.test.ts',
  'test/feature/ships/prometheus.test.ts',
  'test/unit/bench/harness.test.ts',
  'test/feature/control/supervisor.test.ts',
  'test/feature/resilience/workers-end.test.ts',
]

/** Where nothing is known of a run before, as in a fresh checkout, vitest would begin with the largest files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted
      .map((file) => ({ file, place: placeOf(file) }))
      .sort((a, b) => a.place - b.place)
      .map(({ file }) => file)
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(name))
  return place < 0 ? LONGEST.length : place
}
