import { writeFile } from 'node:fs/promises'
import { DEFAULT_LANGUAGE } from '../config/language/default-language.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'
import { fileOf, pluginFiles, pluginLines } from './plugin-files.ts'

/** `sluice plugin new NAME`: a plug-in of that name with a test, in this folder. Files that exist stay as they are. */
export async function plugin(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {})
  const [verb, name, ...rest] = typeof parsed === 'string' ? [] : parsed.files
  if (typeof parsed === 'string' || verb !== 'new' || name === undefined || rest.length > 0)
    return misused(typeof parsed === 'string' ? parsed : 'expected new NAME', io)
  const problem = badName(name)
  if (problem !== undefined) return misused(problem, io)
  for (const [file, text] of Object.entries(pluginFiles(name))) {
    try {
      await writeFile(file, text, { flag: 'wx' })
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
      io.stderr(`sluice plugin: ${file}: ${exists ? 'is there already' : (error as Error).message}\n`)
      return Exit.failed
    }
    io.stdout(`wrote ${file}\n`)
  }
  io.stdout(
    `\nIn the config:\n\n${pluginLines(name)}\nIts test:\n\n  npm install --save-dev sluice\n  node --test ${fileOf(name)}.test.ts\n`,
  )
  return Exit.ok
}

function badName(name: string): string | undefined {
  if (!/^[a-z][A-Za-z0-9]{0,63}$/.test(name) || name in Object.prototype)
    return `${JSON.stringify(name)} is not a name such as auditHeader: the key in the config`
  const { features, route } = DEFAULT_LANGUAGE
  const taken = Object.hasOwn(route.fields, name) || features.some((feature) => feature.name === name)
  return taken ? `${name} is a key of Sluice` : undefined
}

function misused(problem: string, io: Io): number {
  io.stderr(`sluice plugin: ${problem}\n`)
  return Exit.usage
}
