import type { Sluice } from './sluice.ts'
import { until } from './until.ts'

/** One line of YAML for a route at a path that answers with a text. */
export function says(name: string, path: string, body: string): string {
  return `  ${name}: { match: { path: ${path} }, respond: { status: 200, body: "${body}" } }\n`
}

/** Waits until a path is answered with a body. */
export async function answers(sluice: Sluice, path: string, body: string): Promise<void> {
  await until(
    async () => (await sluice.get(path)).body === body,
    () => `${path} answers ${body}; ${sluice.stderr.slice(-3000)}`,
  )
}

/** The value of a metric without labels. */
export async function metric(sluice: Sluice, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await sluice.probe('/metrics')).body)?.[1])
}

/** Waits until the operational log has a message so often; the last of them. */
export async function logged(sluice: Sluice, message: string, times = 1): Promise<Readonly<Record<string, unknown>>> {
  const found = () => sluice.operational.filter((line) => line.message === message)
  await until(
    () => found().length >= times,
    () => `${message}; ${sluice.stderr.slice(-3000)}`,
  )
  return found().at(-1) as Readonly<Record<string, unknown>>
}

/** Makes another config live, which costs a tenth of another gateway; its generation, which is in every log line. */
export async function goesLive(sluice: Sluice, yaml: string): Promise<number> {
  const { body, status } = await sluice.command('config', { yaml })
  if (status !== 200) throw new Error(body)
  return Number((await sluice.status()).generation)
}
