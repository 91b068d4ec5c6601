/**
 * The two messages of grpc.health.v1 (gRPC's health checking protocol) in protobuf, each in a gRPC frame: a flag for
 * compression, four octets of length, the message.
 */

const FRAME_BYTES = 5
const STRING_FIELD_1 = 0x0a
const VARINT_FIELD_1 = 0x08

/** `HealthCheckRequest { string service = 1 }`; `service`: ASCII, at most 256 characters. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service, 'latin1')
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([STRING_FIELD_1, ...varint(name.length)]), name])
  const frame = Buffer.alloc(FRAME_BYTES)
  frame.writeUInt32BE(message.length, 1)
  return Buffer.concat([frame, message])
}

export type ServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'

const STATUSES: readonly ServingStatus[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** The status of a `HealthCheckResponse { ServingStatus status = 1 }`; undefined: this is none. */
export function servingStatus(frame: Buffer): ServingStatus | undefined {
  if (frame.length < FRAME_BYTES || frame[0] !== 0 || frame.readUInt32BE(1) !== frame.length - FRAME_BYTES) {
    return undefined
  }
  // proto3 leaves a field out that has its default, 0.
  if (frame.length === FRAME_BYTES) return 'UNKNOWN'
  return frame.length === FRAME_BYTES + 2 && frame[FRAME_BYTES] === VARINT_FIELD_1
    ? STATUSES[frame[FRAME_BYTES + 1] as number]
    : undefined
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >> 7]
}
