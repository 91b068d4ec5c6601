/**
 * What the end of an attempt teaches. Each learner looks at its own column; the failure table says which lesson belongs to
 * which reason.
 */
export interface Lesson {
  /** The circuit breaker judges it by its outcome and `when`. False: nothing is counted, a half-open lease is taken back. */
  readonly breaker: boolean
  /**
   * Outlier detection. `judged`: by its outcome. `if_silent`: a failure if it lasted long enough and the endpoint has sent
   * no head to any request since it began: impatient clients must neither hide an endpoint that hangs nor eject a healthy
   * one. `if_mute`: the same, but together with the attempts before it that ended so and had no head either.
   */
  readonly outlier: 'judged' | 'if_silent' | 'if_mute' | 'nothing'
  /** The latency of the route and of the endpoint. `at_least`: it ended before the endpoint had answered. */
  readonly latency: 'exact' | 'at_least' | 'nothing'
  /** Its time is a sample for the adaptive limit. */
  readonly adaptive: boolean
  /** The retry budget keeps its token. False: the attempt was never sent, and gives it back. */
  readonly budget: boolean
}

const NONE = { breaker: false, outlier: 'nothing', latency: 'nothing', adaptive: false, budget: true } as const

/** An answer below 500. Its body may still break. */
export const ANSWERED: Lesson = { breaker: true, outlier: 'judged', latency: 'exact', adaptive: true, budget: true }
/** No answer, or a status from 500 on: these come quicker than others, so that their time says nothing. */
export const FAILED: Lesson = { breaker: true, outlier: 'judged', latency: 'nothing', adaptive: false, budget: true }
/** The endpoint did not answer within the time that the route allows. */
export const TIMED_OUT: Lesson = { breaker: true, outlier: 'judged', latency: 'at_least', adaptive: true, budget: true }
/** The client, or the attempt beside it, ended an attempt that the endpoint had not answered yet. */
export const ABANDONED: Lesson = { ...NONE, outlier: 'if_silent', latency: 'at_least' }
/** Another endpoint answered the same request in less time than this one had been given alone. */
export const OUTPACED: Lesson = { ...ABANDONED, outlier: 'if_mute' }
/** It began beside one that was only slow, and might have been as quick. */
export const NEEDLESS: Lesson = { ...ABANDONED, outlier: 'nothing' }
/** The client, a policy or Sluice itself ended it: nothing learns from it. */
export const IGNORED: Lesson = NONE
/** It never went to an endpoint: no attempt. */
export const UNSENT: Lesson = { ...NONE, budget: false }
