/** An upstream that gives up earlier has not lost patience: a round trip, or a pause between packets, takes as long. */
const PATIENCE_MS = 200

/** Bytes per millisecond (256 KiB per second) of a body that delays nothing: each byte pays for the wait before it. */
const BRISK_BYTES = 262

const NOT = -1

/**
 * How long one attempt was kept waiting for its request body by the client alone: it wanted more, took all that had come,
 * and nothing followed, or little for the time. An upstream that gives up on such a client has not failed.
 */
export class Arrears {
  private begunAt = 0
  private waitingSince = NOT
  private ms = 0

  /** An attempt wants the body from now on. */
  begin(now: number): void {
    this.begunAt = now
    this.waitingSince = NOT
    this.ms = 0
  }

  /** The attempt has all that has come. */
  wait(now: number): void {
    if (this.waitingSince === NOT) this.waitingSince = now
  }

  /** The attempt has what it waited for, or holds the body back. */
  stop(): void {
    this.waitingSince = NOT
  }

  get waiting(): boolean {
    return this.waitingSince !== NOT
  }

  /** `bytes` came while the attempt waited for them; the wait goes on until it is stopped. */
  came(bytes: number, now: number): void {
    const ms = now - this.waitingSince - bytes / BRISK_BYTES
    if (ms > 0) this.ms += ms
    this.waitingSince = now
  }

  /** The client kept it waiting for most of its time. */
  due(now: number): boolean {
    const ms = this.waitingSince === NOT ? this.ms : this.ms + now - this.waitingSince
    return ms >= PATIENCE_MS && 2 * ms >= now - this.begunAt
  }
}
