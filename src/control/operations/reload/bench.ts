import type { Config } from '../../../config/language/config.ts'
import { type Language, language } from '../../../config/language/language.ts'
import type { LoadDeps } from '../../../config/load-deps.ts'
import { type Reader, readerOf } from '../../../config/sources/reading.ts'
import type { Node } from '../../../schema/node.ts'
import { Model, type WrittenConfig } from '../../../tools/explain/model.ts'
import { effectiveValues } from './effective.ts'
import { explained } from './explain-command.ts'
import type { JudgeAsk, LiveConfig } from './judge.ts'
import { packConfig, type SealedParts, seal, unseal, type VerdictMessage } from './judged.ts'
import { problemLines, worstFirst } from './problem-lines.ts'

/** What is known of a config that is live. */
interface Known {
  readonly id: number
  readonly parts: SealedParts
  written?: WrittenConfig
  model?: Model
}

/** Judges configs, and answers questions about the live one, one after the other. */
export class Bench {
  private readonly deps: LoadDeps
  /** The latest subject: usually it is asked about again. */
  private known: Known | undefined = undefined

  constructor(deps: LoadDeps) {
    this.deps = deps
  }

  /** Rejects with `BadCommand`, `NotFound`, or a bug. */
  async value(ask: JudgeAsk['ask']): Promise<unknown> {
    if (ask.type === 'judge') return judged(readerOf(ask.reading, this.deps), () => this.about(ask.good).parts.tree)
    const known = this.about(ask.live)
    known.written ??= { ...known.parts, language: await this.languageOf(known.parts.config) }
    if (ask.type === 'effective') return effectiveValues(known.written, ask.query)
    known.model ??= new Model(known.written)
    return explained(known.model, ask.body)
  }

  private about({ id, sealed }: LiveConfig): Known {
    if (this.known?.id !== id) this.known = { id, parts: unseal(sealed) }
    return this.known
  }

  private async languageOf({ plugins }: Pick<Config, 'plugins'>): Promise<Language> {
    const loader = this.deps.plugins
    return plugins.length === 0 || loader === undefined ? this.deps.language : language(await loader.features(plugins))
  }
}

async function judged({ documents, load }: Reader, good: () => Node): Promise<VerdictMessage> {
  const { config, diagnostics, kept, sources, tree } = await load(good)
  const whole = config !== undefined && tree !== undefined ? { config, tree } : undefined
  return {
    config: whole && packConfig(whole.config),
    written: whole && seal(whole),
    problems: problemLines(diagnostics),
    diagnostics: worstFirst(diagnostics),
    kept,
    sources,
    documents: { ...documents },
  }
}
