import { BadCommand } from '../../core/command.ts'

/** No command needs more; a config is one text. */
const MOST_LEVELS = 64
const MOST_VALUES = 10_000

const QUOTE = 34
const BACKSLASH = 92

/**
 * The value of a JSON body. Throws {@link BadCommand}. Levels and values are counted first: `JSON.parse` takes seconds for
 * some millions of brackets, and readers of its value go one call deeper with each level.
 */
export function readJson(body: Buffer): unknown {
  if (body.length === 0) throw new BadCommand('the body is empty; write {} for a command without values')
  bound(body)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new BadCommand(`the body is not JSON: ${(error as Error).message}`)
  }
}

function bound(body: Buffer): void {
  let levels = 0
  let values = 1
  for (let i = 0; i < body.length; i++) {
    switch (body[i]) {
      case QUOTE:
        i = stringEnd(body, i)
        break
      case 91: // [
      case 123: // {
        if (++levels > MOST_LEVELS) throw new BadCommand(`the body is nested deeper than ${MOST_LEVELS} levels`)
        values++
        break
      case 93: // ]
      case 125: // }
        levels--
        break
      case 44: // ,
        values++
        break
    }
    if (values > MOST_VALUES) throw new BadCommand(`the body has more than ${MOST_VALUES} values`)
  }
}

/** Where the string that begins at `start` ends, or the body does. */
function stringEnd(body: Buffer, start: number): number {
  for (let end = body.indexOf(QUOTE, start + 1); end !== -1; end = body.indexOf(QUOTE, end + 1)) {
    let slashes = 0
    while (body[end - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
  return body.length
}
