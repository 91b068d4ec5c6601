import { describe, expect, test } from 'vitest'
import { projectFiles, read } from './files.ts'
import { forbiddenWords } from './words.ts'

/** What is written for readers: docs, and all of src with its doc strings, comments and messages. */
const WRITTEN = /^(docs\/.*|README)\.md$|^src\/.*\.(ts|js|html)$/

test('no text uses a word that its readers should not have to read', () => {
  const written = projectFiles(WRITTEN)
  expect(written).toContain('docs/glossary.md')
  expect(written.flatMap((file) => forbiddenWords(file, read(file)))).toEqual([])
})

describe('finds', () => {
  test.each([
    ['// Whoever waits is told.', 'Whoever'],
    ['// It can not be known.', 'can not'],
    ['/** At most 64 KiB a\n * request. */', 'KiB a request'],
    ['/** One Int32 column a worker. */', 'column a worker'],
    ['/** Ten times a second. */', 'times a second'],
    ["const doc = 'Requests a second that it takes.'", 'Requests a second'],
    ["const doc = 'What befell it.'", 'befell'],
    ["log.warn('tries again: nobody answers')", 'nobody', 'tries'],
    ["log.warn('further try')", 'further try'],
  ])('%s', (text, ...words) => {
    expect(forbiddenWords('a.ts', text)).toEqual(words.map((word) => expect.stringContaining(`a.ts:1: "${word}"`)))
  })
})

describe('leaves', () => {
  test.each([
    ['a.ts', 'try {\n  await work()\n}'],
    ['a.ts', '// A hedge is a second attempt; two a second later.'],
    ['a.ts', '// nginx calls it `tries`.'],
    ['a.md', '```\nnobody can not\n```\n\nWrite `nobody`.'],
  ])('in %s: %s', (file, text) => {
    expect(forbiddenWords(file, text)).toEqual([])
  })
})

test('says the line', () => {
  expect(forbiddenWords('a.ts', '\n// fine\n// a time-out')).toEqual(['a.ts:3: "time-out": timeout'])
})
