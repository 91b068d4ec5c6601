import type { ConfigSource, SourceFacts } from '../config/sources/source.ts'
import type { AbsentDrain } from '../control/endpoints/drains.ts'
import type { LastingShape } from '../control/workers/lasting.ts'
import type { StateRow } from '../core/state-table.ts'
import { durationText } from '../schema/scalars.ts'
import type { StoreFacts } from '../stores/stores.ts'
import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'
import { type Applied, leftovers } from './reload.ts'

interface Status {
  readonly version: string
  readonly gateway: string
  readonly uptimeMs: number
  readonly drain: string
  readonly config: Pick<Applied, 'hash' | 'kept' | 'restart'> & {
    readonly from: Pick<ConfigSource, 'kind' | 'name'> & Partial<SourceFacts>
    readonly last: { readonly ok: boolean; readonly trigger: string; readonly at: string } & Pick<Applied, 'problems'>
  }
  readonly workers: readonly { readonly state: string }[]
  readonly stores: readonly StoreFacts[]
  readonly absentDrains: readonly AbsentDrain[]
  /** Each names a list of rows. */
  readonly lasting: Readonly<Record<string, LastingShape>>
  readonly [list: string]: unknown
  readonly upstreams: readonly {
    readonly name: string
    readonly keepAliveMs: number
    /** null: not as far as is known. */
    readonly idleLimitMs: number | null
    readonly endpoints: readonly {
      readonly id: string
      readonly state: string
      readonly text: string
      readonly inFlight: number
    }[]
  }[]
}

/** `sluice status [--json]`: what runs, how its endpoints do, and what lasts that is not as it should be. */
export async function status(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, json: { type: 'boolean' } })
  if (typeof parsed === 'string' || parsed.files.length > 0) {
    io.stderr(`sluice status: ${typeof parsed === 'string' ? parsed : 'expected no arguments'}\n`)
    return Exit.usage
  }
  return withAdmin('status', parsed.flags, io, async (client) => {
    const facts = (await client.get('status')) as Status
    if (parsed.flags.json === true) io.stdout(`${JSON.stringify(facts, undefined, 2)}\n`)
    else io.stdout(`${render(facts).join('\n')}\n`)
  })
}

function render(facts: Status): string[] {
  const { config, drain, gateway, stores, uptimeMs, upstreams, version, workers } = facts
  const serving = workers.filter(({ state }) => state === 'serving').length
  return [
    `${gateway}: ${drain}, version ${version}, up ${Math.floor(uptimeMs / 1000)} s, config ${config.hash.slice(0, 12)}`,
    ...sourceLines(config.from),
    ...configLines(config),
    `workers: ${serving} of ${workers.length} serve`,
    ...stores.flatMap(storeLines),
    ...upstreams.flatMap(({ endpoints, idleLimitMs, keepAliveMs, name }) => [
      `upstream ${name}`,
      ...(idleLimitMs === null
        ? []
        : [
            `  ends idle connections after ${durationText(idleLimitMs)}; connections.keepAlive is ${durationText(keepAliveMs)}`,
          ]),
      ...endpoints.map(
        ({ id, inFlight, state, text }) =>
          `  ${id} ${state}, ${inFlight} in flight${state === 'usable' ? '' : ` (${text})`}`,
      ),
      ...(endpoints.length === 0 ? ['  no endpoints'] : []),
    ]),
    ...facts.absentDrains.map(
      ({ by, endpoint, since, upstream }) =>
        `drained, not there now: ${upstream} ${endpoint} (by ${by ?? 'an operator'}, since ${since})`,
    ),
    ...Object.entries(facts.lasting).flatMap(([list, shape]) => troubles(shape, facts[list] as readonly StateRow[])),
  ]
}

/** What is not as it should be. */
function storeLines({ durable, name, up }: StoreFacts): string[] {
  if (!up) return [`store ${name}: unavailable`]
  return name === 'state' && !durable ? ['store state: in memory only, what it keeps ends with the process'] : []
}

/** What is not in its normal state, and why. */
function troubles({ kind, labels, normal }: LastingShape, rows: readonly StateRow[]): string[] {
  return rows
    .filter(({ state }) => state !== normal)
    .map((row) => `${kind} ${labels.map((label) => row[label]).join(' ')}: ${row.state} (${row.text})`)
}

/** Where a config comes from that is looked for elsewhere, and how that goes. */
function sourceLines({ checkedAt, name, problem, readAt, sha256 = '', signer }: Status['config']['from']): string[] {
  if (checkedAt === undefined) return []
  const text = sha256 === '' ? '' : `, text ${sha256.slice(0, 12)}${signer === undefined ? '' : ` signed by ${signer}`}`
  const trouble =
    problem && `  cannot be read since ${problem.since}, looked at ${checkedAt} (${problem.reason}): ${problem.text}`
  return [`config from ${name}: read ${readAt ?? 'never'}${text}`, trouble ?? []].flat()
}

/** What is not as its source says. */
function configLines({ last, ...live }: Status['config']): string[] {
  const refused = live.kept.length === 0 ? ['the latest change was refused, this config stayed live'] : []
  const problems = last.ok ? [] : [...refused, ...last.problems.map((problem) => `  ${problem}`)]
  return [...problems, ...leftovers(live)]
}
