/** How servers of the field read the path of a request target. Written down from their sources; each is one of many. */
export interface Reader {
  readonly name: string
  /** It takes several slashes for one, or two at the start for those before a host. */
  readonly merges: boolean
  readonly dropsParameters: boolean
  readonly decodesSlashes: boolean
  /** It matches on what is decoded; else it decodes what it captured. */
  readonly decodes: boolean
  /** What it matches on; undefined: it refuses. */
  read(path: string): string | undefined
}

export const decoded = (path: string): string =>
  path.replace(/%[0-9a-f]{2}/gi, (byte) => String.fromCharCode(Number.parseInt(byte.slice(1), 16)))
const bare = (path: string): string => path.replace(/;[^/]*/g, '')
const merged = (path: string): string => path.replace(/\/\/+/g, '/')
const leading = (path: string): string => path.replace(/^\/\/+/, '/')

/** RFC 3986, section 5.2.4, on segments. */
function resolved(path: string): string {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [i, segment] of segments.entries()) {
    if (segment === '..') kept.pop()
    if (segment !== '.' && segment !== '..') kept.push(segment)
    else if (i === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

const none = { merges: false, dropsParameters: false, decodesSlashes: false, decodes: true }

export const READERS: readonly Reader[] = [
  {
    ...none,
    name: 'nginx',
    merges: true,
    decodesSlashes: true,
    read: (path) => (path.includes('%00') ? undefined : resolved(merged(decoded(path)))),
  },
  {
    ...none,
    name: 'Tomcat',
    merges: true,
    dropsParameters: true,
    read: (path) => (/%2f|%5c|%00|\\/i.test(path) ? undefined : resolved(merged(decoded(bare(path))))),
  },
  {
    ...none,
    name: 'Tomcat that decodes slashes and takes backslashes',
    merges: true,
    dropsParameters: true,
    decodesSlashes: true,
    read: (path) => (path.includes('%00') ? undefined : resolved(merged(decoded(bare(path)).replaceAll('\\', '/')))),
  },
  { ...none, name: 'Express', decodes: false, read: (path) => path },
  {
    ...none,
    name: 'a URL parser of Node',
    merges: true,
    decodes: false,
    read: (path) => (URL.canParse(path, 'http://h') ? new URL(path, 'http://h').pathname : undefined),
  },
  { ...none, name: 'Go', decodesSlashes: true, read: decoded },
  {
    ...none,
    name: 'a Go router on clean paths',
    merges: true,
    decodesSlashes: true,
    read: (path) => resolved(merged(decoded(path))),
  },
  { ...none, name: 'gunicorn', decodesSlashes: true, read: decoded },
  { ...none, name: 'waitress', merges: true, decodesSlashes: true, read: (path) => leading(decoded(path)) },
  { ...none, name: 'wsgiref', merges: true, decodesSlashes: true, read: (path) => decoded(leading(path)) },
  { ...none, name: 'C strings', decodesSlashes: true, read: (path) => decoded(path).split('\0', 1)[0] },
  {
    ...none,
    name: 'IIS of old',
    merges: true,
    decodesSlashes: true,
    read: (path) =>
      resolved(merged(decoded(path.replace(/%c0%ae/gi, '.').replace(/%c0%af|%c1%9c/gi, '/')).replaceAll('\\', '/'))),
  },
]

/** A path, or a part of one, as the reader's program gets it. */
export function received({ decodes }: Reader, value: string): string {
  return decodes ? value : decoded(value)
}
