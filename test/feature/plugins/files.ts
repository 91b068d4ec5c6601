import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder with these files, by path. */
export async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-plugins-'))
  await put(folder, files)
  return folder
}

export async function put(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
}

export async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

/** The text of a plug-in that puts a field on each answer of a route. */
export function marking(name: string, value = "'here'", imports = ''): string {
  return `import { defineFeature, text } from 'sluice'
${imports}
export default defineFeature({
  name: '${name}',
  doc: 'A field on each answer.',
  keys: { route: text() },
  places: { mark: { stage: 20, why: 'It depends on nothing.' } },
  compile: (own: string, { feature }) => ({
    mark: { name: feature, respond: (ex) => void ex.response?.headers.push('x-${name.toLowerCase()}', \`\${own} \${${value}}\`) },
  }),
})
`
}
