import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { language } from '../../../config/language/language.ts'
import { type LoadDeps, loadDeps } from '../../../config/load-deps.ts'
import { type Reader, readerOf } from '../../../config/sources/reading.ts'
import { BadCommand, NotFound } from '../../../core/command.ts'
import { FEATURES } from '../../../features/index.ts'
import { withPlugins } from '../../../plugins/load.ts'
import type { Node } from '../../../schema/node.ts'
import { Model, type WrittenConfig } from '../../../tools/explain/model.ts'
import { effectiveValues } from './effective.ts'
import { explained } from './explain-command.ts'
import type { JudgeAnswer, JudgeAsk, JudgeStart, LiveConfig } from './judge.ts'
import { packConfig, seal, unseal, type VerdictMessage } from './judged.ts'
import { problemLines } from './problem-lines.ts'

/** Judges configs, and answers questions about the live one, one after the other. */
class Bench {
  private readonly deps: LoadDeps
  /** The latest subject: usually it is asked about again. */
  private known: { readonly id: number; readonly written: WrittenConfig; model?: Model } | undefined = undefined

  constructor(deps: LoadDeps) {
    this.deps = deps
  }

  async answer(ask: JudgeAsk['ask']): Promise<Omit<JudgeAnswer, 'number'>> {
    try {
      return { value: await this.value(ask) }
    } catch (error) {
      const kind = error instanceof BadCommand ? 'bad' : error instanceof NotFound ? 'missing' : 'bug'
      return { error: { kind, message: error instanceof Error ? error.message : String(error) } }
    }
  }

  private value(ask: JudgeAsk['ask']): unknown {
    if (ask.type === 'judge') return judged(readerOf(ask.reading, this.deps), () => this.about(ask.good).written.tree)
    const known = this.about(ask.live)
    if (ask.type === 'effective') return effectiveValues(known.written, ask.query)
    known.model ??= new Model(known.written)
    return explained(known.model, ask.body)
  }

  private about({ id, sealed }: LiveConfig): NonNullable<Bench['known']> {
    if (this.known?.id !== id) this.known = { id, written: unseal(sealed, this.deps.language) }
    return this.known
  }
}

async function judged({ documents, load }: Reader, good: () => Node): Promise<VerdictMessage> {
  const { config, diagnostics, kept, sources, tree } = await load(good)
  const whole = config !== undefined && tree !== undefined ? { config, tree } : undefined
  return {
    config: whole && packConfig(whole.config),
    written: whole && seal(whole),
    problems: problemLines(diagnostics),
    kept,
    sources,
    documents: { ...documents },
  }
}

async function serve(port: MessagePort, { env, plugins }: JudgeStart): Promise<void> {
  const features = await withPlugins(FEATURES, plugins)
  const bench = new Bench(loadDeps(env, language(features)))
  port.on('message', async ({ ask, number }: JudgeAsk) => {
    const answer = await bench.answer(ask)
    const { config = [] } = (ask.type === 'judge' ? (answer.value ?? {}) : {}) as Partial<VerdictMessage>
    // Transferred, not copied: a copy of all of it would block the other loop.
    const parts = config.map(({ buffer }) => buffer as ArrayBuffer)
    port.postMessage({ number, ...answer } satisfies JudgeAnswer, parts)
  })
}

if (parentPort === null) throw new Error('this is the entry of a thread')
await serve(parentPort, workerData as JudgeStart)
