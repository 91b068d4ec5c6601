import { expect, test } from 'vitest'
import { generated } from '../../scripts/generate-docs.ts'
import { read } from './files.ts'

test.each([...(await generated())])('%s is what npm run docs writes', (path, text) => {
  // A difference of thousands of lines says nothing, and takes a minute to print.
  expect(read(path) === text, 'run npm run docs').toBe(true)
})
