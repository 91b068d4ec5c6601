import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate with its key, PEM. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** A certificate authority made for one test run, and what it signs. */
export interface TestAuthority {
  /** PEM for `ca` options. */
  readonly ca: string
  /** A certificate for DNS names and IP addresses. */
  issue(...names: string[]): Pair
}

/** Minimal X.509 v3 (RFC 5280) with P-256 keys, written as DER: needs neither openssl nor committed keys. */
export function testAuthority(commonName = 'Sluice test CA'): TestAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const basicConstraints = extension('2.5.29.19', seq(tlv(0x01, Buffer.from([0xff]))))
  const ca = certificate(commonName, keys.privateKey, commonName, keys.publicKey, [basicConstraints])
  return {
    ca,
    issue(...names) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const alternatives = names.map((name) =>
        isIP(name) === 4 ? tlv(0x87, Buffer.from(name.split('.').map(Number))) : tlv(0x82, Buffer.from(name, 'latin1')),
      )
      const cert = certificate(commonName, keys.privateKey, names[0] ?? 'nobody', own.publicKey, [
        extension('2.5.29.17', seq(...alternatives)),
      ])
      return { cert, key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    },
  }
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
const DAY = 86_400_000

function certificate(issuer: string, key: KeyObject, subject: string, subjectKey: KeyObject, ext: Buffer[]): string {
  const serial = Buffer.concat([Buffer.from([1]), Buffer.from(crypto.getRandomValues(new Uint8Array(8)))])
  const body = seq(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    seq(oid(ECDSA_SHA256)),
    name(issuer),
    seq(time(Date.now() - DAY), time(Date.now() + DAY)),
    name(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, seq(...ext)),
  )
  const der = seq(body, seq(oid(ECDSA_SHA256)), tlv(0x03, Buffer.from([0]), sign('sha256', body, key)))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), content])
}

function seq(...parts: Buffer[]): Buffer {
  return tlv(0x30, ...parts)
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 127]
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128)
    bytes.push(...groups)
  }
  return tlv(0x06, Buffer.from(bytes))
}

function name(commonName: string): Buffer {
  return seq(tlv(0x31, seq(oid('2.5.4.3'), tlv(0x0c, Buffer.from(commonName)))))
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)
  return tlv(0x17, Buffer.from(`${digits}Z`))
}

function extension(id: string, value: Buffer): Buffer {
  return seq(oid(id), tlv(0x04, value))
}
