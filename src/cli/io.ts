/** What a command may touch of its process. */
export interface Io {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard error is a terminal: excerpts and colour help there. */
  readonly isTTY: boolean
}

/** Arguments that a command cannot use. The message is for people. */
export class Misused extends Error {}

/** Exit codes of every command. */
export const Exit = {
  ok: 0,
  failed: 1,
  badConfig: 2,
  no: 3,
  drillDiffers: 4,
  usage: 64,
  unreachable: 69,
} as const
