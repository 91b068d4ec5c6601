import { type ExecFileOptions, execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, posix, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { environment, type Instruction, parseDockerfile, type Stage } from './dockerfile.ts'

export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

const OF_THIS_RUN =
  /^(NODE_ENV|NODE_OPTIONS|VITEST.*|INIT_CWD|npm_(package|lifecycle|command|config_(local_|global_)?prefix).*)$/
/** The Node that runs this test is the pinned one; npm comes from the machine. */
const PATH_WITH_NODE = `${dirname(process.execPath)}:${process.env.PATH ?? ''}`

/** A stage of the Dockerfile, carried out below a folder that stands for the root of its file system. */
export interface Built {
  readonly stage: Stage
  readonly root: string
  /** Where an absolute path of the image is on this machine. */
  at(path: string): string
}

/**
 * Carries out the Dockerfile without an engine: COPY and WORKDIR of every stage; RUN of all stages but the last, which
 * prepares a system that is not here.
 */
export async function buildImage(folder: string): Promise<readonly Built[]> {
  const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
  const ignored = ignoredBy(readFileSync(join(ROOT, '.dockerignore'), 'utf8'))
  const built: Built[] = []
  for (const [i, stage] of stages.entries()) {
    const root = join(folder, `stage-${i}`)
    const image: Built = { stage, root, at: (path) => join(root, path) }
    let workdir = '/'
    for (const instruction of stage.instructions) {
      const { name, text } = instruction
      if (name === 'WORKDIR') workdir = posix.resolve(workdir, text)
      else if (name === 'COPY') copy(instruction, image, workdir, built, ignored)
      else if (name === 'RUN' && i < stages.length - 1) await run(text, image.at(workdir), environment(stage))
    }
    built.push(image)
  }
  return built
}

/** The environment of a process in an image: what the stage sets, and a PATH. */
export function imageEnv(stage: Stage): Record<string, string> {
  return { PATH: '/usr/bin:/bin', ...environment(stage) }
}

async function run(command: string, cwd: string, env: Record<string, string>): Promise<void> {
  // npm needs this machine's proxies and registry settings, and nothing that says which package is under test.
  const ours = Object.entries(process.env).filter(([name]) => !OF_THIS_RUN.test(name))
  const options: ExecFileOptions = {
    cwd,
    // What it installs is in npm's cache already: this checkout came out of it.
    env: { ...Object.fromEntries(ours), PATH: PATH_WITH_NODE, ...env, npm_config_prefer_offline: 'true' },
    timeout: 150_000,
  }
  mkdirSync(cwd, { recursive: true })
  await promisify(execFile)('/bin/sh', ['-c', command], options)
}

function copy(
  { flags, text }: Instruction,
  image: Built,
  workdir: string,
  stages: readonly Built[],
  ignored: (path: string) => boolean,
): void {
  const words = text.split(/\s+/)
  const target = words.pop() as string
  const from = flags.from === undefined ? undefined : stages.find(({ stage }) => stage.name === flags.from)
  if (flags.from !== undefined && from === undefined) throw new Error(`COPY --from=${flags.from}: no such stage`)
  const directory = target.endsWith('/') || words.length > 1
  for (const word of words) {
    const source = from?.at(word) ?? resolve(ROOT, word)
    if (!existsSync(source)) throw new Error(`COPY ${word}: it is not there`)
    const whole = statSync(source).isDirectory()
    const to = image.at(posix.resolve(workdir, directory && !whole ? posix.join(target, basename(word)) : target))
    mkdirSync(dirname(to), { recursive: true })
    if (from !== undefined) cpSync(source, to, { recursive: true, verbatimSymlinks: true })
    else if (copyContext(word, to, ignored) === 0) throw new Error(`COPY ${word}: .dockerignore leaves nothing of it`)
  }
}

/** Copies a file or folder of the build context; returns how many files. */
function copyContext(path: string, to: string, ignored: (path: string) => boolean): number {
  const source = join(ROOT, path)
  if (statSync(source).isDirectory()) {
    const entries = readdirSync(source)
    return entries.reduce((sum, entry) => sum + copyContext(posix.join(path, entry), join(to, entry), ignored), 0)
  }
  if (ignored(posix.normalize(path))) return 0
  mkdirSync(dirname(to), { recursive: true })
  cpSync(source, to)
  return 1
}

/** Whether a path is kept from the builder: the last line that names it or a folder above it decides. */
export function ignoredBy(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ ignore: !line.startsWith('!'), pattern: asRegExp(line.replace(/^!/, '')) }))
  return (path) => {
    const steps = path.split('/')
    const prefixes = steps.map((_, i) => steps.slice(0, i + 1).join('/'))
    return rules.findLast(({ pattern }) => prefixes.some((prefix) => pattern.test(prefix)))?.ignore ?? false
  }
}

function asRegExp(pattern: string): RegExp {
  const body = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('[^/]*')
  return new RegExp(`^${body}$`)
}
