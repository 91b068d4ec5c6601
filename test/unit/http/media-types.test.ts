import { expect, test } from 'vitest'
import { mediaType } from '../../../src/http/media-types.ts'

test.each([
  ['index.html', 'text/html; charset=utf-8'],
  ['/srv/site/APP.JS', 'text/javascript; charset=utf-8'],
  ['a.tar.gz', 'application/gzip'],
  ['data.json', 'application/json'],
  ['logo.svg', 'image/svg+xml'],
  ['README', 'application/octet-stream'],
  ['.html', 'application/octet-stream'],
  ['v1.0/file', 'application/octet-stream'],
  ['x.constructor', 'application/octet-stream'],
  ['x.', 'application/octet-stream'],
])('%s', (path, type) => expect(mediaType(path)).toBe(type))
