import type { Mail } from '../../src/cells/mailbox.ts'

/** The mail of workers in one thread: delivered when the test says so. */
export class TestMail implements Mail {
  count = 0
  private read = 0
  private readonly listeners: (() => void)[] = []
  private readonly workers: readonly TestMail[]

  /** `workers`: everybody's, this one's included once it is made. */
  constructor(workers: readonly TestMail[] = []) {
    this.workers = workers
  }

  get unread(): boolean {
    return this.read !== this.count
  }

  post(worker: number): void {
    const box = this.workers[worker]
    if (box !== undefined) box.count++
  }

  listen(onMail: () => void): void {
    this.listeners.push(onMail)
  }

  deliver(): void {
    if (!this.unread) return
    this.read = this.count
    for (const onMail of this.listeners) onMail()
  }
}
