import { readFile } from 'node:fs/promises'

/** Of each 50 ms while something is done: how long the event loop stood still, of the thread where that was longest. */
export async function stallsOf(file: string, done: () => Promise<unknown>): Promise<number[]> {
  const before = (await linesOf(file)).length
  await done()
  return (await linesOf(file)).slice(before).map((line) => Number(line.split(' ')[1]))
}

async function linesOf(file: string): Promise<readonly string[]> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n')
}
