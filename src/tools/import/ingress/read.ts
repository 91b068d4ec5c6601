import { parseYamlDocuments } from '../../../config/read/document.ts'
import { type Diagnostic, sortDiagnostics } from '../../../schema/diagnostics.ts'
import type { MapNode, Node } from '../../../schema/node.ts'
import { nodeAt } from '../../../schema/path.ts'
import type { Draft } from '../common/draft.ts'

export interface Annotation {
  readonly value: string
  readonly line: number
}

export interface Backend {
  readonly service: string
  /** A number or the name of a port. */
  readonly port: string
  readonly line: number
}

export interface IngressPath {
  readonly path: string
  readonly type: string
  readonly backend: Backend | undefined
  readonly line: number
}

export interface IngressRule {
  readonly host: string | undefined
  readonly paths: readonly IngressPath[]
  readonly line: number
}

/** One Ingress (networking.k8s.io/v1). */
export interface Ingress {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly namespace: string
  readonly annotations: ReadonlyMap<string, Annotation>
  readonly rules: readonly IngressRule[]
  readonly defaultBackend: Backend | undefined
  /** Line of `spec.tls`. */
  readonly tls: number | undefined
}

/** Every Ingress of a manifest, those in Lists included; or why it cannot be read. Other kinds are left alone. */
export function readIngresses(file: string, text: string, draft: Draft): readonly Ingress[] | readonly Diagnostic[] {
  const documents = parseYamlDocuments(file, text)
  const diagnostics = documents.flatMap((document) => document.diagnostics)
  if (diagnostics.length > 0) return sortDiagnostics(diagnostics)
  const ingresses = documents
    .flatMap(({ root }) => (root === undefined ? [] : items(root)))
    .flatMap((resource) => {
      if (textAt(resource, 'kind') !== 'Ingress') return []
      const version = textAt(resource, 'apiVersion') ?? ''
      if (version === 'networking.k8s.io/v1') return [ingress(file, resource)]
      draft.leave({ file, line: resource.at.line }, `Ingress of ${version}`, 'only networking.k8s.io/v1 is read')
      return []
    })
  if (ingresses.length > 0 || draft.left.length > 0) return ingresses
  const at = { file, line: 0, column: 0 }
  return [
    { severity: 'error', at, path: '', message: 'there is no Ingress in it (kind: Ingress, networking.k8s.io/v1)' },
  ]
}

function items(resource: Node): readonly Node[] {
  const list = nodeAt(resource, ['items'])
  return /^(Ingress)?List$/.test(textAt(resource, 'kind') ?? '') && list?.kind === 'list'
    ? list.items.flatMap(items)
    : [resource]
}

function ingress(file: string, resource: Node): Ingress {
  const annotations = nodeAt(resource, ['metadata', 'annotations'])
  const entries = annotations?.kind === 'map' ? [...annotations.entries] : []
  const fallback = nodeAt(resource, ['spec', 'defaultBackend'])
  return {
    file,
    line: resource.at.line,
    name: textAt(resource, 'metadata', 'name') ?? 'ingress',
    namespace: textAt(resource, 'metadata', 'namespace') ?? 'default',
    annotations: new Map(
      entries.map(([key, { key: at, value }]) => [
        key,
        { value: value.kind === 'scalar' ? value.text : '', line: at.line },
      ]),
    ),
    rules: listAt(resource, 'spec', 'rules').map(rule),
    defaultBackend: fallback === undefined ? undefined : backend(fallback),
    tls: entryLine(resource, 'spec', 'tls'),
  }
}

function rule(node: Node): IngressRule {
  const host = textAt(node, 'host')
  return { host: host === '' ? undefined : host, paths: listAt(node, 'http', 'paths').map(path), line: node.at.line }
}

function path(node: Node): IngressPath {
  const to = nodeAt(node, ['backend'])
  return {
    path: textAt(node, 'path') ?? '/',
    type: textAt(node, 'pathType') ?? 'ImplementationSpecific',
    backend: to === undefined ? undefined : backend(to),
    line: node.at.line,
  }
}

/** Undefined: it is no service (a resource). */
function backend(node: Node): Backend | undefined {
  const service = textAt(node, 'service', 'name')
  const port = textAt(node, 'service', 'port', 'number') ?? textAt(node, 'service', 'port', 'name')
  return service === undefined || port === undefined ? undefined : { service, port, line: node.at.line }
}

function textAt(node: Node, ...keys: string[]): string | undefined {
  const found = nodeAt(node, keys)
  return found?.kind === 'scalar' && found.value !== null ? found.text : undefined
}

function listAt(node: Node, ...keys: string[]): readonly Node[] {
  const found = nodeAt(node, keys)
  return found?.kind === 'list' ? found.items : []
}

function entryLine(node: Node, ...keys: string[]): number | undefined {
  const parent = nodeAt(node, keys.slice(0, -1)) as MapNode | undefined
  return parent?.kind === 'map' ? parent.entries.get(keys.at(-1) as string)?.key.line : undefined
}
