import type { WholeReply } from '../../../core/verdict.ts'
import { httpDate } from '../../../lib/http-date.ts'
import { http } from '../../../lib/node-http.ts'

/** The bytes of an answer after which the connection is closed. `wall`: milliseconds since the epoch. */
export function rawAnswer({ body, headers, status }: WholeReply, wall: number): Buffer {
  let head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  const bytes = Buffer.from(`${head}date: ${httpDate(wall)}\r\nconnection: close\r\n\r\n`, 'latin1')
  return body === undefined ? bytes : Buffer.concat([bytes, body])
}
