import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** Longer lines are not lines of text. */
const MOST_CHARS = 1024 * 1024
const CHUNK = 1024 * 1024

/** The lines of a file, one chunk at a time. undefined: one that is too long. Rejects where the file cannot be read. */
export async function eachLine(file: string, take: (line: string | undefined) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let skipping = false
  const takeLine = (line: string): void => {
    if (!skipping) take(line.length > MOST_CHARS ? undefined : line)
    skipping = false
  }
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK })) {
    const text = rest + decoder.write(chunk as Buffer)
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      takeLine(text.slice(from, end))
      from = end + 1
    }
    rest = text.slice(from)
    if (rest.length <= MOST_CHARS) continue
    if (!skipping) take(undefined)
    skipping = true
    rest = ''
  }
  if (rest !== '') takeLine(rest)
}
