/** Lets a bounded number of jobs run at a time; others wait in line. A job that was let in must `leave`. */
export class Gate {
  private readonly most: number
  private running = 0
  private readonly line = new Set<() => void>()

  constructor(most: number) {
    this.most = most
  }

  get waiting(): number {
    return this.line.size
  }

  /** Runs the job, now or when its turn comes. */
  enter(job: () => void): void {
    if (this.running >= this.most) {
      this.line.add(job)
      return
    }
    this.running++
    job()
  }

  /** Takes a job out of the line; false: it has begun, or was never there. */
  forget(job: () => void): boolean {
    return this.line.delete(job)
  }

  leave(): void {
    const [next] = this.line
    if (next === undefined) {
      this.running--
      return
    }
    this.line.delete(next)
    next()
  }
}
