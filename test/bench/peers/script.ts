import { fileURLToPath } from 'node:url'
import type { Peer } from '../contract.ts'

/** A peer that is one file of ours, run by the pinned Node as `FILE PORT BACKEND_PORT`. */
export function script(name: string, file: string, about: string): Peer {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  return {
    name,
    about,
    launch: async ({ port, backendPort }) => ({
      command: process.execPath,
      args: [path, String(port), String(backendPort)],
      env: { NODE_ENV: 'production' },
    }),
  }
}
