import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { MAX_FILE_BYTES } from '../read/document.ts'
import { type FetchedText, FetchFailure, fetchText } from './fetch-text.ts'
import { type SigningKey, signatureText, signerOf } from './signature.ts'
import type { SourceTexts } from './source.ts'
import { signatureUrl, sourceName } from './url.ts'

/** Of one request with its redirects. */
const TIMEOUT_MS = 10_000
const MOST_SIGNATURE_BYTES = 1_024
const ACCEPT = 'application/yaml, text/yaml, text/plain;q=0.9, */*;q=0.5'

export interface ConfigFetch {
  readonly url: URL
  /** Signatures of these count; none: texts are not signed. */
  readonly keys: readonly SigningKey[]
  /** Read at each look, since they are renewed: PEM of authorities, and the token. Rejects with what is wrong. */
  readonly credentials: () => Promise<{ readonly ca: string | undefined; readonly token: string | undefined }>
  readonly clock: Clock
}

/** A text that was fetched whole and, where there are keys, verified. */
export interface FetchedConfig extends SourceTexts {
  readonly sha256: string
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** The key that signed it. */
  readonly signer: string | undefined
}

/** The config behind a URL as it is now; `known`: as it was last. Rejects with {@link FetchFailure}. */
export async function fetchConfig(
  { clock, credentials, keys, url }: ConfigFetch,
  known: FetchedConfig | undefined,
  stop: AbortSignal,
): Promise<FetchedConfig> {
  const { ca, token } = await credentials().catch((error: Error) => {
    throw new FetchFailure('credentials', error.message)
  })
  const own = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const options = { ca, timeout: TIMEOUT_MS, clock, stop }
  const headers = { accept: ACCEPT, ...own, ...conditions(known) }
  const found = await fetchText(url, { ...options, headers, mostBytes: MAX_FILE_BYTES })
  if (found === undefined) {
    if (known === undefined) throw new FetchFailure('status', 'it answered 304 to a question without a condition')
    return known
  }
  const { bytes, etag, lastModified } = found
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 === known?.sha256) return { ...known, etag, lastModified }
  const name = sourceName(url)
  const got = { sha256, etag, lastModified }
  if (keys.length === 0) return { ...got, documents: { [name]: configText(found) }, signer: undefined }
  const stored = await fetchText(signatureUrl(url), { ...options, headers: own, mostBytes: MOST_SIGNATURE_BYTES })
  const signature = stored && signatureText(stored.bytes)
  if (signature === undefined)
    throw new FetchFailure('signature', 'its .sig is no signature: 64 bytes, or their base64')
  const signer = signerOf(bytes, signature, keys)
  if (signer === undefined) throw new FetchFailure('signature', NOT_SIGNED)
  return { ...got, documents: { [name]: configText(found), [signatureName(name)]: signature }, signer: signer.id }
}

const NOT_SIGNED = 'its .sig is not the signature of this text by a key of --config-key'

/** What is wrong with texts that were kept; undefined: nothing. */
export function unsigned(
  documents: SourceTexts['documents'],
  name: string,
  keys: readonly SigningKey[],
): string | undefined {
  if (keys.length === 0) return undefined
  const signature = documents[signatureName(name)]
  const text = Buffer.from(documents[name] ?? '')
  return signature !== undefined && signerOf(text, signature, keys) !== undefined ? undefined : NOT_SIGNED
}

/** The signature is kept beside the text: a copy of it is verified again. */
function signatureName(name: string): string {
  return `${name}.sig`
}

function conditions(known: FetchedConfig | undefined): Readonly<Record<string, string>> {
  if (known?.etag !== undefined) return { 'if-none-match': known.etag }
  return known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }
}

const HTML = /^\s*<(!doctype|html|\?xml)/i

function configText({ bytes, contentType = '' }: FetchedText): string {
  let text: string
  try {
    // With a byte order mark, if there is one: the signature covers it.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FetchFailure('not_a_config', 'it is not UTF-8 text; expected YAML')
  }
  if (text.trim() === '') throw new FetchFailure('not_a_config', 'it is empty')
  if (contentType.startsWith('text/html') || HTML.test(text))
    throw new FetchFailure('not_a_config', 'it is a page of HTML, as of a proxy that wants a sign-in; expected YAML')
  return text
}
