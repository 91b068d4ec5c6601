import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaText } from '../src/cli/schema.ts'
import { DEFAULT_LANGUAGE } from '../src/config/language/default-language.ts'
import { keyDocs } from '../src/config/language/key-docs.ts'
import { configurationPage } from './configuration-page.ts'
import { filledIndex, filledMetrics, filledPage } from './feature-pages.ts'
import { grafanaDashboard } from './grafana/dashboard.ts'
import { lintsPage } from './lints-page.ts'
import { migratingPage } from './migrating-page.ts'
import { prometheusRule } from './prometheus-rule.ts'

const ROOT = join(import.meta.dirname, '..')

/** Every file that is made of the source, by its path in the project, and what belongs into it. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const { keys, later } = keyDocs(DEFAULT_LANGUAGE)
  const pages = new Map(readdirSync(join(ROOT, 'docs/features')).map((name) => [name, read(`docs/features/${name}`)]))
  return new Map([
    ['docs/configuration.md', configurationPage({ keys, later })],
    ['docs/lints.md', await lintsPage()],
    ['docs/migrating.md', migratingPage()],
    ['docs/operations/metrics.md', filledMetrics(read('docs/operations/metrics.md'))],
    ['docs/README.md', filledIndex(read('docs/README.md'), pages)],
    ...[...pages].map(([name, page]): [string, string] => [`docs/features/${name}`, filledPage(page, keys)]),
    ['config/sluice.schema.json', schemaText(DEFAULT_LANGUAGE)],
    ['config/grafana/sluice.json', grafanaDashboard()],
    ['k8s/monitoring/prometheusrule.yaml', prometheusRule(read('config/prometheus/rules.yaml'))],
  ])
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

if (import.meta.main) for (const [path, text] of await generated()) writeFileSync(join(ROOT, path), text)
