import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** A public key that configs are signed with. */
export interface SigningKey {
  readonly key: KeyObject
  /** Tells keys apart: `ed25519:` and the start of the SHA-256 of the key (SPKI), hex. */
  readonly id: string
}

const SIGNATURE_BYTES = 64
const ID_DIGITS = 16

/** The ed25519 key in a PEM text; a text says why there is none. */
export function signingKey(pem: string): SigningKey | string {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') return `it is a key of ${key.asymmetricKeyType}; expected one of ed25519`
    const digest = createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('hex')
    return { key, id: `ed25519:${digest.slice(0, ID_DIGITS)}` }
  } catch {
    return 'it is no public key; expected PEM: -----BEGIN PUBLIC KEY-----'
  }
}

/** A detached signature as it was stored, 64 bytes or their base64, as base64; undefined: it is none. */
export function signatureText(stored: Buffer): string | undefined {
  const bytes = stored.length === SIGNATURE_BYTES ? stored : Buffer.from(stored.toString('latin1'), 'base64')
  return bytes.length === SIGNATURE_BYTES ? bytes.toString('base64') : undefined
}

/** The key that signed a text (RFC 8032, ed25519); undefined: none of them did. */
export function signerOf(text: Buffer, signature: string, keys: readonly SigningKey[]): SigningKey | undefined {
  const bytes = Buffer.from(signature, 'base64')
  return keys.find(({ key }) => verify(null, text, key, bytes))
}
