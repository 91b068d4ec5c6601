import { object, withDefault } from '../../schema/composites.ts'
import { duration, oneOf, ratio } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

export const keys = object({
  delay: withDefault(duration(1, 60_000), '100ms', 'Delay of a busy worker’s event loop that counts as overload.'),
  utilization: withDefault(ratio(), '95%', 'Busy share of the event loop from which its delay counts.'),
  memory: withDefault(
    ratio(),
    '85%',
    'Memory of the process that counts as overload, as a share of its limit (cgroup) or else of the machine.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'enforce: requests are refused. shadow: the stages are only logged and measured.',
  ),
  sockets: withDefault(
    ratio(),
    '85%',
    'Open connections to clients and upstreams that count as overload, as a share of the files that the process may open.',
  ),
})

export type OverloadOptions = Infer<typeof keys>
