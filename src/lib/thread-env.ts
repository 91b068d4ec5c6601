/**
 * The environment of a thread that needs none, but for the cache of compiled modules: without it each thread of a gateway
 * that runs from source loads what strips types, 7 MiB.
 */
export function threadEnv(): Record<string, string> {
  const { NODE_COMPILE_CACHE } = process.env
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }
}
