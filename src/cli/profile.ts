import { open, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ADMIN_OPTIONS, AdminFailed, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

const EXPECTED = 'expected [--worker N] [--seconds S | --heap] --out FILE'

/** `sluice profile --out FILE [--worker N] [--seconds S | --heap]`: looks into a worker of a running gateway. */
export async function profile(args: readonly string[], io: Io): Promise<number> {
  const own = {
    worker: { type: 'string' },
    seconds: { type: 'string' },
    heap: { type: 'boolean' },
    out: { type: 'string' },
  } as const
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, ...own })
  const problem = typeof parsed === 'string' ? parsed : undefined
  if (
    typeof parsed === 'string' ||
    parsed.files.length > 0 ||
    typeof parsed.flags.out !== 'string' ||
    (parsed.flags.heap === true && parsed.flags.seconds !== undefined)
  ) {
    io.stderr(`sluice profile: ${problem ?? EXPECTED}\n`)
    return Exit.usage
  }
  const { heap, out, seconds, worker } = parsed.flags
  const body = {
    kind: heap === true ? 'heap' : 'cpu',
    ...(worker !== undefined && { worker: numberOf(worker) }),
    ...(seconds !== undefined && { seconds: numberOf(seconds) }),
  }
  return withAdmin('profile', parsed.flags, io, async (client) => {
    const bytes = await written(await client.download('profile', body), String(out))
    io.stdout(`${out}: ${(bytes / 1_048_576).toFixed(1)} MiB; the developer tools of Chrome open it\n`)
  })
}

/** The gateway says what is wrong with what is none. */
function numberOf(text: unknown): unknown {
  return Number.isNaN(Number(text)) ? text : Number(text)
}

/** Under its name when it is whole. For its owner alone: memory holds secrets. */
async function written(answer: ReadableStream, file: string): Promise<number> {
  const part = `${file}.part`
  let made = false
  try {
    // What is there may be open to others, or lead elsewhere; what is put there meanwhile is not written to.
    await rm(part, { force: true })
    const output = (await open(part, 'wx', 0o600)).createWriteStream()
    made = true
    await pipeline(Readable.fromWeb(answer), output)
    await rename(part, file)
    return output.bytesWritten
  } catch (error) {
    if (made) await rm(part, { force: true })
    else await answer.cancel()
    const { code, message } = error as NodeJS.ErrnoException
    throw new AdminFailed(Exit.failed, `${file} was not written: ${code ?? message}`)
  }
}
