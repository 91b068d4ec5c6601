import { isIP } from 'node:net'
import { unixPath, unixProblem } from '../../lib/address.ts'
import { type Problem, parsed } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

/** Host and port of an address. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A numeric address with port, as sockets are bound to. */
export function listenAddress(): Schema<Address> {
  return parsed('an address with port such as 0.0.0.0:8080, 127.0.0.1:9901 or [::]:8080', numericAddress)
}

/** The same, or `unix:` and a path, with port 0. */
export function socketAddress(): Schema<Address> {
  const address = parsed(
    'an address with port such as 0.0.0.0:8080, 127.0.0.1:9901 or [::]:8080, or unix:/run/sluice.sock',
    (value): Address | Problem => {
      if (unixPath(value) === undefined) return numericAddress(value)
      const problem = unixProblem(value)
      return problem === undefined ? { host: value, port: 0 } : { problem }
    },
  )
  return { ...address, mark: { is: 'address' } }
}

function numericAddress(value: string): Address | Problem {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(value)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || isIP(host) === 0) return { problem: addressHint(value) }
  return port > 65_535 ? { problem: 'ports end at 65535' } : { host, port }
}

/** Permissions of a file: three octal digits, also with a 0 in front. */
export function fileMode(): Schema<number> {
  return parsed(
    'a file mode such as 0660',
    (value): number | Problem =>
      /^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : { problem: 'it has three octal digits' },
    // Without quotes it is a number to YAML.
    { type: ['string', 'integer'] },
  )
}

function addressHint(value: string): string {
  if (/^\d+$/.test(value)) return `write 127.0.0.1:${value}`
  if (/^\*?:\d+$/.test(value)) return `write 0.0.0.0${value.replace('*', '')}`
  if (/^localhost:\d+$/.test(value)) return `write 127.0.0.1${value.slice('localhost'.length)}`
  if (isIP(value) === 6) return 'write the address in [ ] and a port after it'
  if (isIP(value) === 4) return 'the port is missing'
  return /^[a-z]+:\/\//i.test(value) ? 'it has no scheme' : ''
}

/** A name server: address with or without port. */
export function nameServer(): Schema<string> {
  return parsed('the address of a name server such as 10.0.0.53 or 10.0.0.53:53', (value): string | Problem => {
    const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(value)
    const host = match?.[1] ?? match?.[2] ?? (isIP(value) === 6 ? value : undefined)
    if (host === undefined || isIP(host) === 0 || Number(match?.[3] ?? 53) > 65_535) return { problem: '' }
    return isIP(value) === 6 ? `[${value}]` : value
  })
}

/** The name of a header field, in lower case. */
export function headerName(): Schema<string> {
  return parsed('the name of a header field such as x-tenant', (value): string | Problem =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? value.toLowerCase() : { problem: '' },
  )
}
