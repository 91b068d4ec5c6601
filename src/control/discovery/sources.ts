import { resolve } from 'node:path'
import type { DiscoveryConfig, UpstreamConfig } from '../../core/config.ts'
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
  readonly key: string
  readonly source: Source
  readonly end: () => void
}

/** The upstreams whose endpoints are discovered, each with its source. */
export class Sources {
  private readonly options: SourcesOptions
  private readonly watched = new Map<string, Watched>()

  constructor(options: SourcesOptions) {
    this.options = options
  }

  /** Watches these upstreams and no others. Resolves when each new source was looked at once, however that went. */
  async watch(upstreams: readonly UpstreamConfig[]): Promise<void> {
    const wanted = new Map(upstreams.map(({ discovery, name }) => [name, discovery]))
    for (const [name, known] of this.watched) {
      if (keyOf(wanted.get(name)) !== known.key) this.drop(name, known)
    }
    const first: Promise<void>[] = []
    for (const [name, discovery] of wanted) {
      if (discovery === undefined || this.watched.has(name)) continue
      first.push(this.add(name, discovery).refresh())
    }
    await Promise.all(first)
  }

  /** Latest known endpoints of an upstream; none when they were never found. */
  found(upstream: string): readonly FoundEndpoint[] {
    return this.watched.get(upstream)?.source.found ?? []
  }

  close(): void {
    for (const [name, known] of this.watched) this.drop(name, known)
  }

  private add(upstream: string, discovery: DiscoveryConfig): Source {
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
    this.watched.set(upstream, { key: keyOf(discovery), source, end })
    return source
  }

  private lookOf(discovery: DiscoveryConfig): Look {
    const { folder, lookup, srv } = this.options
    if (discovery.kind === 'file') return fileLook(resolve(folder, discovery.path), lookup)
    return discovery.type === 'srv' ? srvLook(discovery, srv, lookup) : addressLook(discovery, lookup)
  }

  private drop(name: string, { end, source }: Watched): void {
    end()
    source.close()
    this.watched.delete(name)
  }
}

function keyOf(discovery: DiscoveryConfig | undefined): string {
  return JSON.stringify(discovery) ?? ''
}
