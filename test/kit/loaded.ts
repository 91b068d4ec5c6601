import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/**
 * Not for tests, but for `--import` of a process: the file that `SLUICE_TEST_LOADED` names gets a line per module that its
 * main thread loads, and per module of Node every 100 ms.
 */
const file = process.env.SLUICE_TEST_LOADED
if (file !== undefined && isMainThread) {
  registerHooks({
    load(url, context, next) {
      if (!url.startsWith('node:')) appendFileSync(file, `${url}\n`)
      return next(url, context)
    },
  })
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] }
  let told = 0
  setInterval(() => {
    const more = moduleLoadList.slice(told)
    told += more.length
    if (more.length > 0) appendFileSync(file, `${more.join('\n')}\n`)
  }, 100).unref()
}
