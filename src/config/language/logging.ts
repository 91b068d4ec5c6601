import { LEVELS } from '../../lib/log.ts'
import { object, oneOrMany, withDefault } from '../../schema/composites.ts'
import { oneOf, text } from '../../schema/scalars.ts'
import { headerName } from './values.ts'

/** `logging`: the three logs, each apart from the others. */
export const loggingOptions = object(
  {
    level: withDefault(
      oneOf(...LEVELS),
      'info',
      'The least level of the operational log, on stderr; sluice log-level changes it for a time.',
    ),
    access: withDefault(
      object({
        format: withDefault(
          oneOf('json', 'common', 'combined'),
          'json',
          'json has all there is to know, and is what sluice replay reads; the others are those of web servers.',
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
      'The lines about requests, on stdout. Which of them are written: routes.x.accessLog.',
    ),
    audit: withDefault(
      oneOf('best-effort', 'required'),
      'best-effort',
      'required: an operator’s change that cannot be recorded in the audit log is refused (503). best-effort: a warning says so.',
    ),
  },
  { misplaced: { format: 'access.format', sample: 'routes.NAME.accessLog.sample', accessLog: 'access' } },
)
