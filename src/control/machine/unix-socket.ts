import type { BigIntStats } from 'node:fs'
import { chmod, lstat, mkdtemp, rename, rm, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { unixHost } from '../../lib/address.ts'
import { ListenFailed } from './sockets.ts'

/** A server that lets a connection wait for so long, milliseconds, is there. */
const ANSWER_MS = 1_000

/** The file of a socket that is bound: another may have taken its name since. */
export interface BoundFile {
  readonly path: string
  readonly inode: bigint
  /** Nanoseconds since the epoch: the number of an inode is given away again at once. */
  readonly born: bigint
}

/** Both are one file, and not one that has taken the place of the other. */
export function isSameFile(a: BoundFile, b: BoundFile): boolean {
  return a.path === b.path && a.inode === b.inode && a.born === b.born
}

/**
 * Whether a socket may be bound at the path: there is nothing, one of ours, or a socket on which no server answers. Rejects
 * with {@link ListenFailed}.
 */
export async function checkPath(path: string, key: string, isOurs: (found: BoundFile) => boolean): Promise<void> {
  try {
    const found = await lstat(path, { bigint: true }).catch(orNone)
    if (found === undefined) {
      await lstat(dirname(path))
      return
    }
    if (!found.isSocket()) throw coded('ENOTSOCK')
    if (!isOurs(fileOf(path, found)) && (await answers(path))) throw coded('EADDRINUSE')
  } catch (error) {
    throw failed(path, key, error)
  }
}

/**
 * Lets `bind` bind a socket beside the path, in a folder that is closed to others, and puts it there once it has its mode: at
 * each moment the path leads to a server that is ready, and to none with another mode. What is there by then goes, but for
 * what {@link checkPath} refuses. Rejects with {@link ListenFailed}, or with what `bind` does.
 */
export async function bindBeside(
  path: string,
  mode: number,
  key: string,
  isOurs: (found: BoundFile) => boolean,
  bind: (path: string) => Promise<unknown>,
): Promise<BoundFile> {
  const told = (error: unknown): never => {
    throw failed(path, key, error)
  }
  const folder = await mkdtemp(join(dirname(path), '.sluice-')).catch(told)
  try {
    const beside = join(folder, 's')
    await bind(beside)
    await chmod(beside, mode).catch(told)
    const file = fileOf(path, await lstat(beside, { bigint: true }).catch(told))
    // Not sooner: the worker took its time.
    await checkPath(path, key, isOurs)
    await rename(beside, path).catch(told)
    return file
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Takes the name away from a socket, if it still has it. */
export async function unbind(file: BoundFile): Promise<void> {
  const { path } = file
  const found = await lstat(path, { bigint: true }).catch(() => undefined)
  if (found !== undefined && isSameFile(fileOf(path, found), file)) await unlink(path).catch(() => {})
}

function fileOf(path: string, { birthtimeNs, ino }: BigIntStats): BoundFile {
  return { path, inode: ino, born: birthtimeNs }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path, timeout: ANSWER_MS })
    const end = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', end(true))
    socket.on('timeout', end(true))
    // EACCES: it is that of another user. EAGAIN: its queue is full.
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(code !== 'ECONNREFUSED' && code !== 'ENOENT')())
  })
}

function orNone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function failed(path: string, key: string, error: unknown): ListenFailed {
  return new ListenFailed(unixHost(path), 0, key, (error as NodeJS.ErrnoException).code ?? String(error))
}
