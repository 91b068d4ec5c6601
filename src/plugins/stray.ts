import { fileURLToPath } from 'node:url'
import { VERSION } from './code.ts'

const OWN_URL = new RegExp(`file:[^\\s()]+(?=\\?${VERSION}=)`)

/**
 * The file of a plug-in whose code an uncaught error has come by: of a timer, an event, or a promise that nothing
 * waits for. Undefined: it came by none that is loaded by path.
 */
export function strayFrom(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined
  const url = stack === undefined ? undefined : OWN_URL.exec(stack)?.[0]
  return url === undefined ? undefined : fileURLToPath(url)
}
