import { resolve } from 'node:path'
import type { DiscoveryConfig, UpstreamConfig } from '../../../core/config.ts'
import { addressLook, srvLook } from './dns-source.ts'
import { fileLook, onFileChange } from './file-source.ts'
import type { Lookup, SrvLookup } from './lookup.ts'
import { type FoundEndpoint, type Look, Source, type SourceOptions } from './source.ts'

export interface SourcesOptions extends Pick<SourceOptions, 'clock' | 'log'> {
  /** Paths of files are relative to it. */
  readonly folder: string
  readonly lookup: Lookup
  readonly srv: SrvLookup
  /** An upstream has other endpoints than before. */
  readonly onChange: (upstream: string) => void
  readonly looked: (upstream: string, ok: boolean) => void
}

interface Watched {
  readonly source: Source
  readonly end: () => void
}

/** The upstreams whose endpoints are discovered, each with its source. By name and what to look for. */
export class Sources {
  private readonly options: SourcesOptions
  private readonly watched = new Map<string, Watched>()

  constructor(options: SourcesOptions) {
    this.options = options
  }

  /**
   * Watches these upstreams and no others; the same one twice while its discovery is about to change. Resolves when each
   * new source was looked at once, with whatever result.
   */
  async watch(upstreams: readonly UpstreamConfig[]): Promise<void> {
    const wanted = new Map(upstreams.map((upstream) => [keyOf(upstream), upstream]))
    for (const key of this.watched.keys()) if (!wanted.has(key)) this.drop(key)
    const first: Promise<void>[] = []
    for (const [key, { discovery, name }] of wanted) {
      if (discovery === undefined || this.watched.has(key)) continue
      first.push(this.add(key, name, discovery).refresh())
    }
    await Promise.all(first)
  }

  /** Latest known endpoints of an upstream; none when they were never found. */
  found(upstream: UpstreamConfig): readonly FoundEndpoint[] {
    return this.watched.get(keyOf(upstream))?.source.found ?? []
  }

  close(): void {
    for (const key of this.watched.keys()) this.drop(key)
  }

  private add(key: string, upstream: string, discovery: DiscoveryConfig): Source {
    const { clock, folder, log, looked, onChange } = this.options
    const source = new Source({
      look: this.lookOf(discovery),
      every: discovery.every,
      clock,
      log,
      upstream,
      from: discovery.kind === 'file' ? discovery.path : discovery.name,
      onChange: () => onChange(upstream),
      looked: (ok) => looked(upstream, ok),
    })
    const end =
      discovery.kind === 'file' ? onFileChange(resolve(folder, discovery.path), () => source.hint()) : () => {}
    this.watched.set(key, { source, end })
    return source
  }

  private lookOf(discovery: DiscoveryConfig): Look {
    const { folder, lookup, srv } = this.options
    if (discovery.kind === 'file') return fileLook(resolve(folder, discovery.path), lookup)
    return discovery.type === 'srv' ? srvLook(discovery, srv, lookup) : addressLook(discovery, lookup)
  }

  private drop(key: string): void {
    const { end, source } = this.watched.get(key) as Watched
    end()
    source.close()
    this.watched.delete(key)
  }
}

function keyOf({ discovery, name }: UpstreamConfig): string {
  return JSON.stringify([name, discovery])
}
