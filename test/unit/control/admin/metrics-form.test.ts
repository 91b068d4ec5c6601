import { expect, test } from 'vitest'
import { metricsForm } from '../../../../src/control/admin/metrics-form.ts'

test.each([
  [undefined, 'text'],
  ['*/*', 'text'],
  ['text/plain', 'text'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=1.0.0', 'openmetrics'],
  ['application/openmetrics-text;version=0.0.1;q=0.75', 'text'],
  ['application/openmetrics-text;q=0', 'text'],
  ['text/plain;q=1,application/openmetrics-text;version=1.0.0;q=0.5', 'text'],
  // Prometheus 2 and 3.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
])('%s is answered with %s', (accept, form) => {
  expect(metricsForm(accept)).toBe(form)
})
