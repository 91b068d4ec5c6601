import { open, rename, rm } from 'node:fs/promises'

/**
 * Readers see the old file or the whole new one, also after a crash. A link is replaced, not followed.
 *
 * @param mode permission bits, whatever the umask is
 * @param unique names the file beside it that it is written to first
 */
export async function writeWhole(file: string, text: string, mode: number, unique: number): Promise<void> {
  const temporary = `${file}.${unique}.tmp`
  const handle = await open(temporary, 'wx', mode)
  try {
    try {
      await handle.chmod(mode)
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
