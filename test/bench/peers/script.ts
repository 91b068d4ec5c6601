import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Peer } from '../contract.ts'

/** A peer that is one file of ours, run by the pinned Node as `FILE PORT BACKEND_PORT`; `of`: whose version it shows. */
export function script(
  name: string,
  file: string,
  about: string,
  { of = name, only }: { readonly of?: string; readonly only?: Peer['only'] } = {},
): Peer {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  return {
    name,
    about,
    ...(only && { only }),
    version: () => packageVersion(of),
    launch: async ({ port, backendPort }) => ({
      command: process.execPath,
      args: [path, String(port), String(backendPort)],
      env: { NODE_ENV: 'production' },
    }),
  }
}

/** Of an installed package, or of this one: `.`. Rejects where it isn't installed. */
export async function packageVersion(name: string): Promise<string> {
  const file = findPackageJSON(name === '.' ? '..' : name, import.meta.url)
  if (file === undefined) throw new Error(`${name} is not installed`)
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return version
}
