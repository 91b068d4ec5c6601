import { CURRENT_VERSION, OLDER_VERSIONS } from '../src/config/upgrade/migrations/index.ts'
import { importPage } from './import-page.ts'

const INTRODUCTION = `# Migrating

How a config of an older version, of nginx or of a Kubernetes Ingress becomes one of this version. This page is generated (\`npm run docs\`) from the tables that
do the work.

## Older versions of the config

The newest \`apiVersion\` is \`${CURRENT_VERSION}\`; a file without the key means it. Files of an older version still load, with
a warning that names the command; mistakes are told where they stand in the file as it was written. A version that is newer
than Sluice, or unknown, is an error.

\`\`\`sh
sluice migrate sluice.yaml            # prints the newer file; what it changed on standard error
sluice migrate sluice.yaml --write    # writes it in place, atomically
sluice migrate sluice.yaml --check    # for CI: 1 when there is something to do
\`\`\`

Comments, order, quotes, anchors and references to the environment stay. The result is read again and compared with what the
older file means; where aliases make that impossible nothing is written, and each change that is left is listed with its
place. Exit codes: 0 done or nothing to do, 1 with \`--check\`: something to do, 2 no config or not to be rewritten, 64 usage.

`

/** `docs/migrating.md` as one text. */
export function migratingPage(): string {
  let page = INTRODUCTION
  for (const { migrations, name } of OLDER_VERSIONS) {
    const [last] = migrations.toReversed()
    page += `What changed after \`${name}\`:\n\n${migrations.map(({ does }) => `- ${does}`).join('\n')}\n\n`
    page += `\`\`\`yaml\n${last?.before}\`\`\`\n\nbecomes\n\n\`\`\`yaml\n${last?.after}\`\`\`\n`
  }
  return page + importPage()
}
