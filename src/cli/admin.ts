import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stateDirOf, TOKEN_FILE } from '../control/machine/state-dir.ts'
import { type ServerEvent, serverEvents } from './events.ts'
import { Exit, type Io } from './io.ts'
import type { Parsed } from './options.ts'

const DEFAULT_ADMIN = 'http://127.0.0.1:9901'
/** A reload of thousands of routes takes seconds. */
const ANSWER_MS = 60_000
/** A profile of a minute, and the time to send it. */
const LARGE_MS = 240_000
const EXITS: Readonly<Record<number, number>> = { 400: Exit.usage, 404: Exit.no, 412: Exit.no, 422: Exit.badConfig }

/** Options of every command that talks to a running gateway. */
export const ADMIN_OPTIONS = { admin: { type: 'string' }, 'token-file': { type: 'string' } } as const

/** Of a command whose answer says so. */
export const NOT_DURABLE = 'it holds, but could not be stored: a restart of the gateway does not know of it\n'

/** Why a command cannot be carried out, with its exit code. */
export class AdminFailed extends Error {
  readonly exit: number
  /** All problems, if the gateway lists them. */
  readonly problems: readonly string[]

  constructor(exit: number, message: string, problems: readonly string[] = []) {
    super(message)
    this.exit = exit
    this.problems = problems
  }
}

/** The admin API of a running gateway. Every failure is an {@link AdminFailed}. */
export class AdminClient {
  private readonly base: URL
  private readonly tokenFile: string | undefined
  private readonly env: Io['env']

  constructor({ admin, 'token-file': tokenFile }: Parsed['flags'], env: Io['env']) {
    const url = typeof admin === 'string' ? admin : DEFAULT_ADMIN
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new AdminFailed(Exit.usage, `--admin ${JSON.stringify(url)} is not a URL such as ${DEFAULT_ADMIN}`)
    }
    this.base = new URL(url)
    this.tokenFile = typeof tokenFile === 'string' ? tokenFile : undefined
    this.env = env
  }

  get origin(): string {
    return this.base.origin
  }

  /** Reads without a token if the gateway allows it. */
  async get(path: string, signal = AbortSignal.timeout(ANSWER_MS)): Promise<unknown> {
    return read(await this.open(path, signal))
  }

  async post(path: string, body: object): Promise<unknown> {
    return read(await this.command(path, body, ANSWER_MS))
  }

  /** The bytes of a large answer, which ends within {@link LARGE_MS}. */
  async download(path: string, body: object): Promise<ReadableStream> {
    const answer = await this.command(path, body, LARGE_MS)
    if (!answer.ok || answer.body === null) throw await read(answer)
    return answer.body
  }

  private async command(path: string, body: object, ms: number): Promise<Response> {
    const headers = { authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' }
    return this.ask(path, headers, JSON.stringify(body), AbortSignal.timeout(ms))
  }

  /** Server-sent events, until the gateway ends them or `signal` does. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    try {
      const answer = await this.open(path, signal)
      if (!answer.ok || answer.body === null) await read(answer)
      else yield* serverEvents(answer.body)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof AdminFailed) throw error
      throw new AdminFailed(Exit.unreachable, `the gateway at ${this.base.origin} is gone`)
    }
  }

  private async open(path: string, signal: AbortSignal): Promise<Response> {
    const free = this.tokenFile === undefined ? await this.ask(path, {}, undefined, signal) : undefined
    if (free !== undefined && free.status !== 401) return free
    return this.ask(path, { authorization: `Bearer ${await this.token()}` }, undefined, signal)
  }

  /** Rejects with {@link AdminFailed} if no token can be read. */
  async token(): Promise<string> {
    const file = this.tokenFile ?? (await this.ownTokenFile())
    try {
      return (await readFile(file, 'utf8')).trim()
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? String(error)
      const hint = this.tokenFile === undefined ? '; give --token-file: the gateway names it in its line "ready"' : ''
      throw new AdminFailed(Exit.failed, `the token cannot be read from ${file} (${why})${hint}`)
    }
  }

  /** Where a gateway of this user keeps its token. The token is never sent to another machine. */
  private async ownTokenFile(): Promise<string> {
    if (!/^(localhost|127\.[\d.]+|\[::1\])$/.test(this.base.hostname)) {
      throw new AdminFailed(Exit.usage, 'a gateway on another machine needs --token-file')
    }
    const status = await this.ask('status')
    const { gateway } = (status.ok ? await status.json() : {}) as { gateway?: unknown }
    if (typeof gateway !== 'string') throw new AdminFailed(Exit.failed, 'give --token-file')
    return join(stateDirOf({ configured: undefined, env: this.env, home: homedir(), gateway }), TOKEN_FILE)
  }

  private async ask(
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
    signal = AbortSignal.timeout(ANSWER_MS),
  ): Promise<Response> {
    const url = new URL(`/api/v1/${path}`, this.base)
    try {
      return await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers,
        signal,
        redirect: 'error',
        body: body ?? null,
      })
    } catch (error) {
      const cause = (error as Error).cause
      const why = cause instanceof Error ? cause.message : (error as Error).message
      throw new AdminFailed(Exit.unreachable, `no gateway answers at ${this.base.origin}: ${why}`)
    }
  }
}

async function read(response: Response): Promise<unknown> {
  let body: { readonly detail?: unknown; readonly problems?: readonly string[] }
  try {
    body = (await response.json()) as typeof body
  } catch {
    throw new AdminFailed(Exit.unreachable, `${new URL(response.url).origin} is not an admin API of Sluice`)
  }
  if (response.ok) return body
  const message = typeof body.detail === 'string' ? body.detail : `status ${response.status}`
  throw new AdminFailed(EXITS[response.status] ?? Exit.failed, message, body.problems)
}

/** Runs a command against a gateway; a failure goes to stderr and sets the exit code. */
export async function withAdmin(
  name: string,
  flags: Parsed['flags'],
  io: Io,
  command: (client: AdminClient) => Promise<void>,
): Promise<number> {
  try {
    await command(new AdminClient(flags, io.env))
    return Exit.ok
  } catch (error) {
    if (!(error instanceof AdminFailed)) throw error
    const more = error.problems.filter((problem) => !error.message.endsWith(problem))
    io.stderr(`sluice ${name}: ${error.message}\n${more.map((problem) => `  ${problem}\n`).join('')}`)
    return error.exit
  }
}
