import { unixPath, unixProblem } from '../../../lib/address.ts'
import type { Draft, Plain, Plains } from '../common/draft.ts'
import { hashSource } from '../common/hash-source.ts'
import { durationOf } from '../common/times.ts'
import type { Directive } from './parse.ts'
import type { Scope } from './scope.ts'

/** Where `proxy_pass` leads. */
export interface ProxyTarget {
  readonly scheme: 'http' | 'https'
  /** Host as written, IPv6 in brackets, and its port if it has one. */
  readonly host: string
  readonly port: number | undefined
  readonly directive: Directive
}

/** An upstream of the output. */
export interface UsedUpstream {
  readonly name: string
  /** Endpoints that are not backups of others, and those. */
  readonly size: number
}

/** The upstreams that routes use, made at first use: one for each combination of block, scheme and options. */
export class Upstreams {
  private readonly blocks: ReadonlyMap<string, Directive>
  private readonly draft: Draft
  private readonly made = new Map<string, UsedUpstream>()

  constructor(http: Scope, draft: Draft) {
    this.blocks = new Map(
      http.own.filter(({ name }) => name === 'upstream').map((block) => [block.args[0] ?? '', block]),
    )
    this.draft = draft
  }

  /** `options`: more keys of the upstream. Undefined: it has no endpoint that Sluice could use. */
  use(target: ProxyTarget, options: Plains): UsedUpstream | undefined {
    const block = target.port === undefined ? this.blocks.get(target.host) : undefined
    const value = block === undefined ? single(target) : this.fromBlock(block, target.scheme)
    if (value === undefined) return undefined
    const { endpoints } = value as { endpoints: readonly Plain[] }
    if (endpoints.length === 0) return undefined
    const whole = { ...value, ...options }
    const key = JSON.stringify(whole)
    const known = this.made.get(key)
    if (known !== undefined) return known
    const wanted = target.port === undefined ? target.host : `${target.host}-${target.port}`
    const origin = block ?? target.directive
    const used = { name: this.draft.add('upstreams', wanted, { origin, value: whole }), size: endpoints.length }
    this.made.set(key, used)
    return used
  }

  private fromBlock(block: Directive, scheme: string): Plains | undefined {
    const inner = block.block ?? []
    const servers = inner.filter(({ name }) => name === 'server')
    const once = servers.filter((server, i) => {
      const first = servers.findIndex(({ args }) => args[0] === server.args[0])
      if (first !== i)
        this.draft.leave(server, `server ${server.args[0]}`, 'it is in this upstream already; give that one a weight')
      return first === i
    })
    const endpoints = once.flatMap((server) => this.endpoint(server, scheme))
    return { endpoints, ...this.balancing(inner), ...this.outliers(servers) }
  }

  private endpoint(directive: Directive, scheme: string): readonly Plain[] {
    const [address = '', ...options] = directive.args
    const leave = (why: string): void => this.draft.leave(directive, `server ${directive.args.join(' ')}`, why)
    if (options.includes('down')) return []
    const isUnix = unixPath(address) !== undefined
    const problem = isUnix ? unixTrouble(address, scheme) : hostTrouble(address)
    if (problem !== undefined) {
      leave(problem)
      return []
    }
    const url = isUnix ? address : `${scheme}://${/:\d+$/.test(address) ? address : `${address}:80`}`
    const numbers = Object.fromEntries(options.map((option) => option.split('=') as [string, string?]))
    const known = ['weight', 'max_conns', 'max_fails', 'fail_timeout', 'slow_start', 'backup', 'resolve']
    const unknown = Object.keys(numbers).filter((name) => !known.includes(name))
    if (unknown.length > 0) leave(`no option of an endpoint: ${unknown.join(', ')}`)
    const weight = Number(numbers.weight ?? 1)
    if (weight > 1000) leave('weights go to 1000')
    const more = {
      weight: weight === 1 ? undefined : Math.min(weight, 1000),
      tier: options.includes('backup') ? 1 : undefined,
      maxConcurrent: Number(numbers.max_conns) || undefined,
    }
    return Object.values(more).every((value) => value === undefined) ? [url] : [{ url, ...more }]
  }

  private balancing(inner: readonly Directive[]): Plains {
    const find = (name: string): Directive | undefined => inner.find((directive) => directive.name === name)
    const hash = find('hash')
    const random = find('random')
    const keepAlive = durationOf(find('keepalive_timeout')?.args[0])
    const connections = keepAlive === undefined ? {} : { connections: { keepAlive } }
    const by = (algorithm: string, more: Plains = {}): Plains => ({
      loadBalancing: { algorithm, ...more },
      ...connections,
    })
    if (find('least_conn') !== undefined || random?.args.includes('least_conn') === true) return by('least-request')
    if (random !== undefined) return by(random.args[0] === 'two' ? 'least-request' : 'random')
    if (find('ip_hash') !== undefined) return by('ring-hash', { hashOn: { client: 'address' }, balanceFactor: 'off' })
    if (hash === undefined) return connections
    const hashOn = hashSource(hash.args[0] ?? '')
    if (hashOn !== undefined) {
      if (hash.args[0] === '$request_uri')
        this.draft.leave(hash, 'hash $request_uri', 'carried over, by the path without query')
      return by('ring-hash', { hashOn, balanceFactor: 'off' })
    }
    this.draft.leave(
      hash,
      `hash ${hash.args.join(' ')}`,
      'hashOn takes a header, a cookie, a key of the query, path or client',
    )
    return connections
  }

  /** Where any server says when it counts as failed; else what is built in holds. */
  private outliers(servers: readonly Directive[]): Plains {
    const said = servers.flatMap((directive) => {
      const [, fails] = /^max_fails=(\d+)$/.exec(directive.args.find((arg) => arg.startsWith('max_fails=')) ?? '') ?? []
      const time = directive.args.find((arg) => arg.startsWith('fail_timeout='))?.slice('fail_timeout='.length)
      return fails === undefined && time === undefined
        ? []
        : [{ directive, fails: Number(fails ?? 1), time: durationOf(time ?? '10s') }]
    })
    const [first] = said
    if (first === undefined) return {}
    if (said.every(({ fails }) => fails === 0)) return { outlierDetection: 'off' }
    const fails = Math.max(...said.map((one) => one.fails))
    const times = new Set(said.map(({ time }) => time))
    const why = `carried over as ${fails} failures in a row, 502 to 504 among them${times.size > 1 ? ', with the time of the first' : ''}`
    this.draft.leave(first.directive, 'max_fails, fail_timeout', why)
    const time = first.time ?? '10s'
    return {
      outlierDetection: { consecutiveFailures: fails, baseEjection: time, maxEjection: time, maxEjected: '100%' },
    }
  }
}

function single({ host, port, scheme }: ProxyTarget): Plains {
  return { endpoints: [port === undefined ? `${scheme}://${host}` : `${scheme}://${host}:${port}`] }
}

function hostTrouble(address: string): string | undefined {
  return /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d+)?$/.test(address) ? undefined : 'this is no host and port'
}

function unixTrouble(address: string, scheme: string): string | undefined {
  return scheme === 'https' ? 'only plain HTTP is spoken over unix: sockets' : unixProblem(address)
}
