import type { SourceConfig } from '../../core/config.ts'
import type { EndpointSource } from '../../core/endpoint-source.ts'
import { endpointList } from '../../data/upstreams/options.ts'
import { byKind, mapped, type ObjectSchema, object, withDefault } from '../../schema/composites.ts'
import { duration } from '../../schema/scalars.ts'
import type { Infer, Schema } from '../../schema/schema.ts'

export type WrittenEndpoints = Infer<typeof endpointList> | SourceConfig

/** What may stand under `upstreams.NAME.endpoints`: a list, or a map that says where they are found. */
export function endpointsWith(sources: readonly EndpointSource[]): Schema<WrittenEndpoints> {
  if (sources.length === 0) return endpointList
  const forms = sources.map(({ form, key }) => `{ ${key}: ${form} }`).join(' or ')
  return byKind<WrittenEndpoints>(
    { list: endpointList, map: sourceOptions(sources, forms) },
    `a list of endpoint URLs such as http://10.0.0.1:8080, or ${forms}`,
  )
}

function sourceOptions(sources: readonly EndpointSource[], forms: string): Schema<SourceConfig> {
  const kinds = sources.map(({ key }) => key)
  return mapped(
    keysOf(sources),
    (values, refuse) => {
      const named = sources.filter(({ key }) => values[key] !== undefined)
      const [source] = named
      if (source === undefined || named.length > 1)
        return refuse(`expected ${kinds.length > 1 ? 'either ' : ''}${kinds.join(' or ')}`)
      const { every, ...rest } = values
      const wrong = Object.keys(rest).find((key) => rest[key] !== undefined && !Object.hasOwn(source.fields, key))
      if (wrong !== undefined) return refuse(`${wrong} does not apply to ${source.called}`)
      const read = source.read(rest)
      return 'problem' in read ? refuse(read.problem) : { kind: source.key, every: every as number, ...read }
    },
    forms,
  )
}

function keysOf(sources: readonly EndpointSource[]): ObjectSchema<Record<string, never>> {
  const every = withDefault(
    duration(1000, 3_600_000),
    '10s',
    'Time between two look-ups; a file is also read as soon as it changes.',
  )
  const fields = Object.assign({}, ...sources.map(({ fields }) => fields), { every })
  const misplaced = Object.assign({ interval: 'every' }, ...sources.map(({ misplaced }) => misplaced))
  return object(fields, { misplaced })
}
