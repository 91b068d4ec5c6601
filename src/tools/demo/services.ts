import type { Random } from '../../lib/random.ts'

/** A request as a demo service sees it, once its body has arrived. */
export interface DemoRequest {
  readonly method: string
  /** Path without query. */
  readonly path: string
  readonly target: string
  /** Flat, as on the wire. */
  readonly headers: readonly string[]
  readonly bodyBytes: number
}

export interface DemoAnswer {
  readonly status: number
  /** Sent as JSON. */
  readonly body: unknown
  /** Milliseconds until it is sent. */
  readonly delayMs: number
}

/** Answers one request; keeps nothing from one to the next. */
export type DemoService = (request: DemoRequest, random: Random) => DemoAnswer

const ORDERS = 20
const ITEMS = 120
const STATES = ['placed', 'paid', 'packed', 'shipped']
const NOT_FOUND: DemoAnswer = { status: 404, body: { error: 'not found' }, delayMs: 0 }
const NOT_ALLOWED: DemoAnswer = { status: 405, body: { error: 'method not allowed' }, delayMs: 0 }

function order(id: number): object {
  const lines = [{ sku: `item-${(id * 7) % ITEMS}`, quantity: 1 + (id % 3) }]
  return { id, state: STATES[id % STATES.length], totalCents: 1000 + id * 137, lines }
}

/** `/orders`: twenty orders; POST takes another one in and forgets it. */
export const orders: DemoService = ({ method, path, bodyBytes }) => {
  const id = path.slice('/orders/'.length)
  if (id === '') {
    if (method === 'POST') return { status: 201, body: { id: ORDERS + 1, state: 'placed', bodyBytes }, delayMs: 0 }
    if (method !== 'GET' && method !== 'HEAD') return NOT_ALLOWED
    return { status: 200, body: Array.from({ length: ORDERS }, (_, i) => order(i + 1)), delayMs: 0 }
  }
  if (method !== 'GET' && method !== 'HEAD') return NOT_ALLOWED
  const number = Number(id)
  if (!Number.isInteger(number) || number < 1 || number > ORDERS) return NOT_FOUND
  return { status: 200, body: order(number), delayMs: 0 }
}

const DESCRIPTION = 'Well made, long lasting, and described at length so that a page of it weighs something. '

function item(index: number): object {
  return { sku: `item-${index}`, priceCents: 500 + index * 31, description: DESCRIPTION.repeat(3) }
}

/** `/catalog`: the whole catalogue, tens of KB, or one item of it; every answer takes 20 to 80 ms. */
export const catalog: DemoService = ({ method, path }, random) => {
  const delayMs = 20 + 60 * random.float()
  if (method !== 'GET' && method !== 'HEAD') return NOT_ALLOWED
  const sku = path.slice('/catalog/'.length)
  if (sku === '') return { status: 200, body: Array.from({ length: ITEMS }, (_, i) => item(i)), delayMs }
  const index = Number(sku.slice('item-'.length))
  if (!sku.startsWith('item-') || !Number.isInteger(index) || index < 0 || index >= ITEMS) return NOT_FOUND
  return { status: 200, body: item(index), delayMs }
}

/** `/echo`: shows what arrived, header fields in their order and case. */
export const echo: DemoService = ({ method, target, headers, bodyBytes }) => {
  const pairs = Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i], headers[2 * i + 1]])
  return { status: 200, body: { method, target, headers: pairs, bodyBytes }, delayMs: 0 }
}
