import { createReadStream } from 'node:fs'
import { MAX_FILE_BYTES } from './document.ts'

/** A file of the real file system. Reads only as much as shows that a file is too large, also of devices and pipes. */
export async function readConfigFile(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  // `end` is the last byte that is read.
  for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Why a file could not be read, for operators. */
export function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'this user may not read the file'
  if (code === 'ENOTDIR') return 'there is no such file: a part of the path is not a folder'
  if (code === 'EISDIR') return 'this is a folder; expected a file'
  return `the file cannot be read (${code ?? String(error)})`
}
