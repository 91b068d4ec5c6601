import { readdir, readFile, readlink } from 'node:fs/promises'

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'] as const
/** `TCP_LISTEN` in the kernel's tables. */
const LISTENING = '0A'

/** Who listens on a port of this machine. `ours`: only this process. `unknown`: this system does not tell. */
export async function portHolders(port: number): Promise<'ours' | 'others' | 'unknown'> {
  try {
    // Sockets of ours come and go meanwhile: one that was there before or is there after is ours.
    const before = await ownSockets()
    const inodes = (await Promise.all(TABLES.map((file) => listenersOf(file, port)))).flat()
    const after = await ownSockets()
    return inodes.every((inode) => before.has(inode) || after.has(inode)) ? 'ours' : 'others'
  } catch {
    return 'unknown'
  }
}

/** Inodes of the listening sockets of a table. One without IPv6 is empty. */
async function listenersOf(file: (typeof TABLES)[number], port: number): Promise<readonly string[]> {
  const text = await readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (file === TABLES[0]) throw error
    return ''
  })
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return text.split('\n').flatMap((line) => {
    // sl local remote st tx:rx tr:when retransmits uid timeout inode
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/ +/)
    return state === LISTENING && local.endsWith(wanted) ? [inode] : []
  })
}

async function ownSockets(): Promise<ReadonlySet<string>> {
  const names = await readdir('/proc/self/fd')
  // A socket that was closed meanwhile is not ours any more.
  const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}
