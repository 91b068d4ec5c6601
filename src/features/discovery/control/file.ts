import { watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { parseYaml } from '../../../config/read/document.ts'
import { readConfigFile } from '../../../config/read/files.ts'
import type { EndpointConfig } from '../../../core/config.ts'
import type { FindContext, Finder } from '../../../core/endpoint-source.ts'
import { endpointList } from '../../../data/upstreams/options.ts'
import { type Diagnostic, diagnosticLine } from '../../../schema/diagnostics.ts'
import { At, INVALID } from '../../../schema/schema.ts'
import type { FileSourceOptions } from '../file.ts'

const MAX_ENDPOINTS = 1024

/** A YAML or JSON file with a list of endpoints, written as in the config. */
export function findInFile({ path }: FileSourceOptions, { folder, hosts }: FindContext): Finder {
  const whole = resolve(folder, path)
  return {
    from: path,
    async look() {
      const found = await hosts(readEndpoints(whole, await readConfigFile(whole)))
      if (found.length === 0) throw new Error('no endpoint has an address')
      return found
    },
    watch: (changed) => onFileChange(whole, changed),
  }
}

/** Throws with the first thing that is wrong. */
export function readEndpoints(path: string, bytes: Uint8Array): EndpointConfig[] {
  const { root, diagnostics } = parseYaml(path, bytes, {})
  const found: Diagnostic[] = [...diagnostics]
  const list = root === undefined ? INVALID : endpointList.read(root, new At(found))
  if (list === INVALID) throw new Error(found[0] === undefined ? 'no list of endpoints' : diagnosticLine(found[0]))
  if (list.length > MAX_ENDPOINTS) throw new Error(`more than ${MAX_ENDPOINTS} endpoints`)
  return list.map(({ url, ...rest }) => ({ ...url, ...rest }))
}

/**
 * Reports that the file may have changed; the function returned ends that. Watches its folder, since a replaced file is
 * another one (and in a ConfigMap's folder only a link changes). Only a hint: where watching does not work, nothing is
 * reported.
 */
function onFileChange(path: string, changed: () => void): () => void {
  const name = basename(path)
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file === null || file === name || file.startsWith('..')) changed()
    })
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {}
  }
}
