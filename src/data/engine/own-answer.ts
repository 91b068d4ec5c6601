import { type Failure, failure } from '../../core/failures.ts'
import { MemorySource, type Source } from '../../core/source.ts'
import type { Reply } from '../../core/verdict.ts'
import { composeOwn, composeStreamed, isEventStream, sendHead, takesBody } from './answer.ts'
import { RECOVERY_MS } from './clocks.ts'
import { refused } from './ends.ts'
import { failureReply } from './failure-reply.ts'
import { answerStagesOnWay, readsAnswers, respondOnWay, streamRefusalOnWay } from './legs.ts'
import type { Run } from './request.ts'
import { SourceFeed } from './source-feed.ts'

/** Answers without an attempt, or in the place of one: the policies see the head, then it goes out with its body. */
export function answerOurselves(run: Run, reply: Reply): void {
  const { body } = reply
  if (body === undefined || (Buffer.isBuffer(body) && !readsAnswers(run))) {
    composeOwn(run.snapshot, run.ex, reply)
    run.ownBody = body
    respondOnWay(run, deliver)
    return
  }
  const feed = feedOf(run, Buffer.isBuffer(body) ? new MemorySource(body) : body, reply)
  if (run.over) return
  if (feed === undefined) respondOnWay(run, deliver)
  else if (!(feed instanceof SourceFeed)) run.break(feed)
  else {
    run.feed = feed
    run.relay = feed.relay
    run.stream = feed.stream
    feed.start()
  }
}

/** Answers straight to the client: a hook failed, or what the answer waited for did not come. */
export function answerInstead(run: Run, failed: Failure): void {
  run.ex.degraded = undefined
  run.attempts?.stop(failed)
  // A hook that was told threw, and that is answered.
  if (run.ex.failure !== failed) return
  const { feed } = run
  feed?.cancel()
  run.feed = undefined
  run.relay = undefined
  run.stream = false
  const reply = failureReply(failed, run)
  if (feed?.ready === false) {
    // The hooks have seen no head yet.
    run.clocks?.extend(RECOVERY_MS)
    answerOurselves(run, reply)
  } else {
    composeOwn(run.snapshot, run.ex, reply)
    run.ownBody = reply.body
    deliver(run)
  }
}

/** Sends an answer of our own, whose head the policies have seen. */
export function deliver(run: Run): void {
  const { downstream, ownBody } = run
  if (run.body !== undefined) run.body.discard()
  else if (downstream.contentLength !== 0) downstream.discardBody()
  run.relaying()
  if (!run.over && !sendHead(run)) {
    if (run.ex.failure?.reason !== 'internal') {
      run.onBug(new Error('an answer of our own has a field that cannot be sent'))
      return
    }
    downstream.reset()
    run.finish()
    return
  }
  if (run.feed !== undefined && takesBody(run.ex)) {
    run.feed.relay.open()
    return
  }
  run.feed?.cancel()
  if (ownBody !== undefined && run.ex.method !== 'HEAD') downstream.write(ownBody)
  if (!run.over) downstream.end()
}

/**
 * Writes the head of an answer whose body comes from a source. undefined: no body follows; a failure takes the place of the
 * answer. The source is cancelled then.
 */
function feedOf(run: Run, source: Source, reply: Reply): SourceFeed | Failure | undefined {
  const { ex, snapshot } = run
  let failed: Failure | undefined
  const stages = answerStagesOnWay(run, (error) => {
    run.bug(error)
    failed = failure('internal', 'body', 'sluice')
  })
  composeStreamed(snapshot, ex, reply, stages)
  const stream = takesBody(ex) && isEventStream(reply.headers)
  const refusal = stream ? streamRefusalOnWay(run) : undefined
  if (refusal !== undefined) failed = refused(refusal, 'limit')
  if (failed === undefined && takesBody(ex) && !run.over)
    return new SourceFeed(run, source, run.downstream, stages, stream)
  source.cancel()
  return failed
}
