import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Lint } from '../config/judge/contract.ts'
import { BAD_IGNORE } from '../config/judge/lints/index.ts'
import type { Diagnostic } from '../schema/diagnostics.ts'

/** Errors have one rule: the message says what is wrong. */
const ERROR_RULE = 'config-error'
/** SARIF asks for absolute URIs. */
const DOCS = new URL('../../docs/', import.meta.url)

/** A log of SARIF 2.1.0 (OASIS): one run, a rule for each lint and one for errors. */
export function sarifReport(found: readonly Diagnostic[], version: string, lints: readonly Lint[]): object {
  const rules = [CONFIG_ERROR, ...[...lints, BAD_IGNORE].map(ruleOf)]
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'sluice', version, rules } },
        columnKind: 'utf16CodeUnits',
        results: found.map((one) => result(one, rules)),
      },
    ],
  }
}

const CONFIG_ERROR = {
  id: ERROR_RULE,
  shortDescription: { text: 'Something in the config is wrong.' },
  helpUri: new URL('configuration.md#mistakes', DOCS).href,
  defaultConfiguration: { level: 'error' },
}

function ruleOf({ name, finds, why, remedy }: Pick<Lint, 'name' | 'finds' | 'why' | 'remedy'>) {
  return {
    id: name,
    shortDescription: { text: finds },
    help: { text: `${why} ${remedy}` },
    helpUri: new URL(`lints.md#${name}`, DOCS).href,
    defaultConfiguration: { level: 'warning' },
  }
}

function result({ severity, at, path, message, lint }: Diagnostic, rules: readonly { readonly id: string }[]): object {
  const ruleId = lint ?? ERROR_RULE
  const region = { startLine: at.line, startColumn: at.column }
  const physicalLocation = { artifactLocation: { uri: uriOf(at.file) }, ...(at.line > 0 && { region }) }
  return {
    ruleId,
    ruleIndex: rules.findIndex(({ id }) => id === ruleId),
    level: severity,
    message: { text: path === '' ? message : `${path}: ${message}` },
    locations: [{ physicalLocation }],
  }
}

/** Relative ones stay relative: to the root of the checkout, where the command ran. */
function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href
  return file.replace(/^\.\//, '').split('/').map(encodeURIComponent).join('/')
}
