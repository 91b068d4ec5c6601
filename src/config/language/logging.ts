import { LEVELS } from '../../lib/log.ts'
import { object, oneOrMany, withDefault } from '../../schema/composites.ts'
import { oneOf, text } from '../../schema/scalars.ts'
import { headerName } from './values.ts'

/** `logging`: the three logs, each separate. */
export const loggingOptions = object(
  {
    level: withDefault(
      oneOf(...LEVELS),
      'info',
      'Lowest level of the operational log, on stderr. sluice log-level changes it temporarily.',
    ),
    access: withDefault(
      object({
        format: withDefault(
          oneOf('json', 'common', 'combined'),
          'json',
          'Format of the access log. json has all fields, and is what sluice replay reads; the others are those of web servers.',
        ),
        maskHeaders: withDefault(
          oneOrMany(headerName(), 0),
          [],
          'Header fields whose values are never shown, besides those of credentials.',
        ),
        showQuery: withDefault(
          oneOrMany(text('a query key such as page'), 0),
          [],
          'Query keys whose values are shown, besides those that the route matches on.',
        ),
      }),
      {},
      'The access log, on stdout. routes.x.accessLog decides which requests get a line.',
    ),
    audit: withDefault(
      oneOf('best-effort', 'required'),
      'best-effort',
      'required: an operator’s change that cannot be recorded in the audit log is refused (503). best-effort: a warning says so.',
    ),
  },
  { misplaced: { format: 'access.format', sample: 'routes.NAME.accessLog.sample', accessLog: 'access' } },
)
