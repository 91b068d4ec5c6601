import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const COPIED = ['src', 'test', 'scripts', 'docs', 'config', 'package.json', 'tsconfig.json', 'vitest.config.ts']
const LIST = 'src/features/index.ts'
const run = promisify(execFile)

/** The project in a folder of its own, with the packages of this one: features come and go there. */
export class ProjectCopy {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<ProjectCopy> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
    for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    return new ProjectCopy(folder)
  }

  read(file: string): Promise<string> {
    return readFile(join(this.folder, file), 'utf8')
  }

  /** With its folders. */
  async write(file: string, text: string): Promise<void> {
    await mkdir(join(this.folder, dirname(file)), { recursive: true })
    await writeFile(join(this.folder, file), text)
  }

  /** A line of the list, and its import. */
  async list(name: string, folder: string): Promise<void> {
    const text = await this.read(LIST)
    const line = `import { ${name} } from './${folder}/feature.ts'\n`
    await this.write(LIST, line + text.replace('inOrder([\n', `inOrder([\n  ${name},\n`))
  }

  /** Takes a feature away: folder, tests, page and line of the list. */
  async remove(name: string, folder: string): Promise<void> {
    for (const path of [`src/features/${folder}`, `test/features/${folder}`, `docs/features/${folder}.md`])
      await rm(join(this.folder, path), { recursive: true, force: true })
    const lines = (await this.read(LIST)).split('\n')
    const own = [`from './${folder}/feature.ts'`, `  ${name},`]
    await this.write(LIST, lines.filter((line) => !own.some((end) => line.endsWith(end))).join('\n'))
  }

  /** What the compiler says; empty: nothing. */
  typecheck(): Promise<string> {
    return this.output('node_modules/.bin/tsc', ['--noEmit'])
  }

  /** What failed of some test files; empty: nothing. */
  test(...files: readonly string[]): Promise<string> {
    return this.output('node_modules/.bin/vitest', ['run', '--project', 'unit', ...files])
  }

  private async output(command: string, args: readonly string[]): Promise<string> {
    try {
      await run(process.execPath, [join(this.folder, command), ...args], { cwd: this.folder, timeout: 120_000 })
      return ''
    } catch (error) {
      const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
      return `${stdout}${stderr}` || String(error)
    }
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}
