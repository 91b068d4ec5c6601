/**
 * Leaves only those declarations of a build that the public API leads to: `node scripts/ship-types.ts dist`. All others are
 * types of the inside, which a package that is installed has no use for.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const ENTRY = 'index.d.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined || !existsSync(join(folder, ENTRY))) throw new Error('which folder has the build?')

const shipped = new Set<string>([join(folder, ENTRY)])
for (const file of shipped) {
  for (const [, named] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport\()\s*['"](\.[^'"]+)['"]/g)) {
    const target = join(dirname(file), (named as string).replace(/\.[jt]s$/, '.d.ts'))
    if (!existsSync(target)) throw new Error(`${file} names ${named}, which has no declarations`)
    shipped.add(target)
  }
}
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
  if (name.endsWith('.d.ts') && !shipped.has(join(folder, name))) rmSync(join(folder, name))
