import { createReadStream } from 'node:fs'
import { MAX_FILE_BYTES } from './document.ts'

/** A file of the real file system. Reads no more of a file than is needed to see that it is too large, devices and pipes included. */
export async function readConfigFile(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  // `end` is the last byte that is read.
  for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Why a file could not be read, for people. */
export function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'the file may not be read by this user'
  if (code === 'ENOTDIR') return 'there is no such file: a part of the path is no folder'
  if (code === 'EISDIR') return 'this is a folder; expected a file'
  return `the file cannot be read (${code ?? String(error)})`
}
