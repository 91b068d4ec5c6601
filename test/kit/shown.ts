import { until } from './until.ts'

/**
 * Waits until a text that is read again and again has all of these; the text. A worker counts a request, and tells the
 * control plane of a series that is new, later than the client has its answer: what is asserted of metrics behind a request
 * goes through here.
 */
export async function shown(read: () => Promise<string>, wanted: readonly (string | RegExp)[]): Promise<string> {
  let text = ''
  const missing = () => wanted.find((part) => (typeof part === 'string' ? !text.includes(part) : !part.test(text)))
  await until(
    async () => {
      text = await read()
      return missing() === undefined
    },
    () => `${missing()} in ${text}`,
  )
  return text
}
