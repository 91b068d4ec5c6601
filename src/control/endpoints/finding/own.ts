import { BlockList, isIPv6 } from 'node:net'

/** An address on which Sluice itself listens. */
export interface OwnAddress {
  readonly host: string
  readonly port: number
}

const LOOPBACK: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]

/**
 * Whether an endpoint is our own admin or probe address: a client that could reach it through a route would bypass the
 * guard. `interfaces`: all addresses of this machine, for listeners on any of them. The any-address as a target means this
 * machine, too.
 */
export function isOwn(
  address: string,
  port: number,
  own: readonly OwnAddress[],
  interfaces: () => readonly string[],
): boolean {
  return own.some((ours) => ours.port === port && reaches(address, ours.host, interfaces))
}

function reaches(address: string, host: string, interfaces: () => readonly string[]): boolean {
  const targets = new BlockList()
  const any = host === '0.0.0.0' || host === '::'
  for (const one of any ? interfaces() : [host]) targets.addAddress(one, isIPv6(one) ? 'ipv6' : 'ipv4')
  if (any) for (const [net, prefix, family] of LOOPBACK) targets.addSubnet(net, prefix, family)
  // A connection to the any-address goes to loopback.
  const candidates = isAny(address) ? ['127.0.0.1', '::1'] : [address]
  return candidates.some((one) => targets.check(one, isIPv6(one) ? 'ipv6' : 'ipv4'))
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === '::ffff:0.0.0.0' || address === '::ffff:0:0'
}
