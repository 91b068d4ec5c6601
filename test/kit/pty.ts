import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

const DRIVER = fileURLToPath(new URL('./terminal.py', import.meta.url))
const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** Whether this machine has what a pseudo-terminal is made with. */
export function hasPty(): boolean {
  return spawnSync('python3', ['-c', 'import pty, termios']).status === 0
}

/** A command of ours in a real pseudo-terminal of 24 rows and 100 columns. */
export class Pty {
  /** All that it wrote. */
  text = ''
  /** At its end. `restored`: the terminal's settings are what they were. */
  ended: { readonly code: number; readonly restored: boolean } | undefined = undefined
  /** Of the driver: how it ended, or its own trouble. */
  private said = ''
  private readonly driver: ChildProcess

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.driver = spawn('python3', [DRIVER, process.execPath, CLI, ...args], {
      env: { PATH: process.env.PATH, ...env },
    })
    this.driver.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text
    })
    this.driver.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said += text
      if (this.said.startsWith('{') && this.said.endsWith('\n')) this.ended = JSON.parse(this.said) as Pty['ended']
    })
  }

  /** The lines of the latest whole screen that was drawn, without colours and trailing blanks. */
  get screen(): string[] {
    const frames = this.text.split('\x1b[H')
    const frame = frames.findLast((candidate, i) => i > 0 && candidate.includes('\x1b[J')) ?? ''
    return frame
      .slice(0, frame.indexOf('\x1b[J'))
      .replace(/\x1b\[[\d;?]*[A-Za-z]/g, '')
      .split('\r\n')
      .map((line) => line.trimEnd())
  }

  keys(keys: string): void {
    this.send({ keys })
  }

  resize(rows: number, columns: number): void {
    this.send({ size: [rows, columns] })
  }

  signal(signal: number): void {
    this.send({ signal })
  }

  /** Waits for a screen that shows this. */
  async shows(what: RegExp): Promise<string[]> {
    await until(
      () => what.test(this.screen.join('\n')),
      () => `${what} in:\n${this.screen.join('\n')}\n${this.said} ${JSON.stringify(this.text.slice(-300))}`,
    )
    return this.screen
  }

  async end(): Promise<{ readonly code: number; readonly restored: boolean }> {
    await until(
      () => this.ended !== undefined,
      () => `the end: ${this.said} ${JSON.stringify(this.text.slice(-300))}`,
    )
    return this.ended as NonNullable<Pty['ended']>
  }

  /** For the end of a test, however it went. */
  kill(): void {
    this.driver.kill('SIGKILL')
  }

  private send(order: object): void {
    this.driver.stdin?.write(`${JSON.stringify(order)}\n`)
  }
}
