import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { madeFolder } from '../../kit/folder.ts'
import { type Answer, type Sluice, type SluiceOptions, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type Ended, sluice as run } from '../cli/cli.ts'

/** One gateway after the other with the same config file and state directory. */
export class Survivor {
  readonly folder: string
  /** The config. */
  file: string
  private running: Sluice | undefined = undefined
  private readonly started: Sluice[] = []

  private constructor(folder: string) {
    this.folder = folder
    this.file = join(folder, 'sluice.yaml')
  }

  static make(): Survivor {
    return new Survivor(madeFolder().path)
  }

  /** `yaml` undefined: the file stays as it is. */
  async start(yaml?: string, { args = [], env = {} }: SluiceOptions = {}): Promise<Sluice> {
    if (yaml !== undefined) await writeFile(this.file, yaml)
    const options = { args, env: { XDG_STATE_HOME: join(this.folder, 'state'), ...env }, place: async () => this.file }
    const sluice = await startSluice('', options)
    this.started.push(sluice)
    this.running = sluice
    return sluice
  }

  get sluice(): Sluice {
    if (this.running === undefined) throw new Error('none runs')
    return this.running
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const { sluice } = this
    this.running = undefined
    sluice.child.kill('SIGKILL')
    await sluice.exited()
  }

  /** Ends it in good order. */
  async end(): Promise<number> {
    const { sluice } = this
    this.running = undefined
    sluice.child.kill('SIGTERM')
    return sluice.exited()
  }

  /** Kills it, and starts it again. */
  async again(options: SluiceOptions = {}): Promise<Sluice> {
    await this.kill()
    return this.start(undefined, options)
  }

  async close(): Promise<void> {
    if (this.running !== undefined) await this.kill()
    for (const folder of [this.folder, ...this.started.map((sluice) => sluice.folder)])
      await rm(folder, { recursive: true, force: true })
  }

  /** Folder of the gateway of this name. */
  state(gateway = 'test'): string {
    return join(this.folder, 'state', 'sluice', gateway)
  }

  async command(path: string, body: object): Promise<Record<string, unknown>> {
    return json(await this.sluice.command(path, body))
  }

  async get<T>(path: string): Promise<T> {
    const authorization = `Bearer ${await this.sluice.token()}`
    return json(await this.sluice.admin(`/api/v1/${path}`, { authorization })) as T
  }

  /** A command line. */
  cli(...args: string[]): Promise<Ended> {
    const admin = ['--admin', `http://127.0.0.1:${this.sluice.adminPort}`]
    return run(this.folder, [...args, ...admin], { XDG_STATE_HOME: join(this.folder, 'state') })
  }

  messages(): string[] {
    return this.sluice.operational.map(({ message }) => String(message))
  }

  /** Waits until the store has acknowledged another write. */
  async stored(act: () => Promise<void>): Promise<void> {
    const before = await this.writes()
    await act()
    await until(async () => (await this.writes()) > before, 'the store has written')
  }

  private async writes(): Promise<number> {
    const { body } = await this.sluice.probe('/metrics')
    return Number(/^sluice_store_calls_total\{store="state",call="put",result="ok"\} (\d+)$/m.exec(body)?.[1] ?? 0)
  }
}

export function json({ body }: Answer): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>
}
