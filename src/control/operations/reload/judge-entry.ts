import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { DEFAULT_LANGUAGE } from '../../../config/language/default-language.ts'
import { loadDeps } from '../../../config/load-deps.ts'
import { BadCommand, NotFound } from '../../../core/command.ts'
import { FEATURES } from '../../../features/index.ts'
import { systemClock } from '../../../lib/clock.ts'
import { PluginLoader } from '../../../plugins/load.ts'
import { Bench } from './bench.ts'
import type { JudgeAnswer, JudgeAsk, JudgeStart } from './judge.ts'
import type { VerdictMessage } from './judged.ts'

async function answerOf(bench: Bench, ask: JudgeAsk['ask']): Promise<Omit<JudgeAnswer, 'number'>> {
  try {
    return { value: await bench.value(ask) }
  } catch (error) {
    const kind = error instanceof BadCommand ? 'bad' : error instanceof NotFound ? 'missing' : 'bug'
    return { error: { kind, message: error instanceof Error ? error.message : String(error) } }
  }
}

function serve(port: MessagePort, { env, plugins }: JudgeStart): void {
  const loader = new PluginLoader(FEATURES, systemClock, plugins)
  const bench = new Bench(loadDeps(env, DEFAULT_LANGUAGE, loader))
  port.on('message', async ({ ask, number }: JudgeAsk) => {
    const answer = await answerOf(bench, ask)
    const { config = [] } = (ask.type === 'judge' ? (answer.value ?? {}) : {}) as Partial<VerdictMessage>
    // Transferred, not copied: a copy of all of it would block the other loop.
    const parts = config.map(({ buffer }) => buffer as ArrayBuffer)
    port.postMessage({ number, ...answer } satisfies JudgeAnswer, parts)
  })
}

if (parentPort === null) throw new Error('this is the entry of a thread')
serve(parentPort, workerData as JudgeStart)
