import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'
import { type Applied, tell } from './reload.ts'

interface History {
  readonly live: string
  readonly configs: readonly {
    readonly number: number
    readonly hash: string
    readonly savedAt: string
    readonly source: string
  }[]
}

/** `sluice history [--json]`: the configs that were live, the latest first. */
export async function history(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, json: { type: 'boolean' } })
  if (typeof parsed === 'string' || parsed.files.length > 0) {
    io.stderr(`sluice history: ${typeof parsed === 'string' ? parsed : 'expected no arguments'}\n`)
    return Exit.usage
  }
  return withAdmin('history', parsed.flags, io, async (client) => {
    const { configs, live } = (await client.get('history')) as History
    if (parsed.flags.json === true) {
      io.stdout(`${JSON.stringify(configs, undefined, 2)}\n`)
      return
    }
    const at = configs.findIndex(({ hash }) => hash === live)
    for (const [i, { hash, number, savedAt, source }] of configs.entries())
      io.stdout(`${i === at ? '*' : ' '} ${String(number).padStart(4)}  ${hash.slice(0, 12)}  ${savedAt}  ${source}\n`)
    if (configs.length === 0) io.stdout('no config was stored yet\n')
  })
}

/** `sluice rollback NUMBER`: makes a config of the history live again, until the next reload of the files. */
export async function rollback(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, ADMIN_OPTIONS)
  const number = typeof parsed === 'string' ? undefined : parsed.files[0]
  if (typeof parsed === 'string' || parsed.files.length !== 1 || !/^\d+$/.test(number ?? '')) {
    io.stderr(`sluice rollback: ${typeof parsed === 'string' ? parsed : 'expected one number of sluice history'}\n`)
    return Exit.usage
  }
  return withAdmin('rollback', parsed.flags, io, async (client) => {
    tell((await client.post('rollback', { number: Number(number) })) as Applied, io)
  })
}
