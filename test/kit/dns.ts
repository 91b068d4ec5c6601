import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Records of one name, or how the server misbehaves when asked for it. */
export type Zone = Records | 'servfail' | 'silent'

export interface Records {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly srv?: readonly Srv[]
}

export interface Srv {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

const A = 1
const AAAA = 28
const SRV = 33
const NXDOMAIN = 3
const SERVFAIL = 2

/** A real name server over UDP on 127.0.0.1 that answers from a table which tests change as they like. */
export class DnsServer {
  readonly zones = new Map<string, Zone>()
  /** Names asked for, one entry a query. */
  readonly queries: string[] = []
  private readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', (message, from) => this.answer(message, from))
  }

  /** `address:port`, as in `dns.servers`. */
  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`
  }

  async close(): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }

  private answer(query: Buffer, from: RemoteInfo): void {
    const { name, type, end } = readQuestion(query)
    this.queries.push(name)
    const zone = this.zones.get(name)
    if (zone === 'silent') return
    const records = typeof zone === 'object' ? encodeRecords(zone, type) : []
    const code = zone === 'servfail' ? SERVFAIL : zone === undefined ? NXDOMAIN : 0
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8580 | code, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(records.length, 6)
    this.socket.send(Buffer.concat([head, query.subarray(12, end), ...records]), from.port, from.address)
  }
}

export async function dnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return new DnsServer(socket)
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function encodeRecords(zone: Exclude<Zone, string>, type: number): Buffer[] {
  if (type === A) return (zone.a ?? []).map((address) => encode(A, Buffer.from(address.split('.').map(Number))))
  if (type === AAAA) return (zone.aaaa ?? []).map((address) => encode(AAAA, encodeV6(address)))
  if (type === SRV) return (zone.srv ?? []).map((record) => encode(SRV, encodeSrv(record)))
  return []
}

function encodeSrv({ priority, weight, port, target }: Srv): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt16BE(priority, 0)
  head.writeUInt16BE(weight, 2)
  head.writeUInt16BE(port, 4)
  const labels = target.split('.').filter((label) => label !== '')
  return Buffer.concat([
    head,
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ])
}

function encode(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  // The name: a pointer to the question's.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(1, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

/** Of the short forms only one `::`. */
function encodeV6(address: string): Buffer {
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const groups = [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  const bytes = Buffer.alloc(16)
  for (const [i, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  return bytes
}
