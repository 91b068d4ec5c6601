import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname, join, sep } from 'node:path'

const PAGE = join(import.meta.dirname, 'page')

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Nothing inline, nothing from other hosts. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** A file of the dashboard, as it is sent. */
export interface DashboardFile {
  readonly body: Buffer
  readonly headers: Readonly<Record<'content-type' | 'content-security-policy' | 'cache-control' | 'etag', string>>
}

/**
 * The files of the dashboard by path, read once; `''` is the page itself. uPlot comes from its package as it is. Rejects when
 * the installation lacks one.
 */
export async function dashboardFiles(): Promise<ReadonlyMap<string, DashboardFile>> {
  const { resolve } = createRequire(import.meta.url)
  const files = new Map<string, DashboardFile>()
  for (const name of await readdir(PAGE, { recursive: true })) {
    if (TYPES[extname(name)] !== undefined) files.set(name.split(sep).join('/'), await read(join(PAGE, name)))
  }
  files.set('uplot.js', await read(resolve('uplot/dist/uPlot.esm.js')))
  files.set('uplot.css', await read(resolve('uplot/dist/uPlot.min.css')))
  files.set('', files.get('index.html') as DashboardFile)
  return files
}

async function read(path: string): Promise<DashboardFile> {
  const body = await readFile(path)
  return {
    body,
    headers: {
      'content-type': TYPES[extname(path)] as string,
      'content-security-policy': POLICY,
      // Validated each time: another version of the gateway may answer.
      'cache-control': 'no-cache',
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`,
    },
  }
}
