import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

/** PATH with the machine's own Node first: the folders that npm puts before it are left out. */
const PATH = (process.env.PATH ?? '')
  .split(':')
  .filter((entry) => !entry.includes('node_modules'))
  .join(':')

export const env: NodeJS.ProcessEnv = { ...process.env, PATH }

/** Path of the tarball that `npm pack` makes of this checkout, in a folder that is there and has no other. */
export async function packed(folder: string): Promise<string> {
  await copyOfCheckout(join(folder, 'source'))
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(folder, 'source'), env })
  return join(folder, (await readdir(folder)).find((name) => name.endsWith('.tgz')) as string)
}

/** The files elsewhere, so that building does not disturb the checkout. */
async function copyOfCheckout(to: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: ROOT, maxBuffer: 10_000_000 })
  for (const file of stdout.split('\0').filter((name) => /^(src|bin|config|scripts)\/|^[^/]+$/.test(name))) {
    await mkdir(join(to, dirname(file)), { recursive: true })
    await cp(join(ROOT, file), join(to, file))
  }
  await symlink(join(ROOT, 'node_modules'), join(to, 'node_modules'))
}
