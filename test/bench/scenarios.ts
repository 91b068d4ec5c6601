import type { Scenario } from './contract.ts'

const CONNECTIONS = 64

/** The backend's answer sizes, by path. */
export const FILES: Readonly<Record<string, number>> = { small: 16, json: 10_240, big: 1_048_576 }

export const SCENARIOS: readonly Scenario[] = [
  { name: 'small', path: '/small', connections: CONNECTIONS },
  { name: 'json10k', path: '/json', connections: CONNECTIONS },
  { name: 'body1m', path: '/big', connections: CONNECTIONS },
  { name: 'post1k', path: '/post', postBytes: 1024, script: 'post.lua', connections: CONNECTIONS },
]

/** Large answers to few clients: none waits for so long that it gives up, however slow the machine is. */
export const BIG: Scenario = { name: 'body1m-8', path: '/big', connections: 8 }

/** Ten routes of a peer are asked for, the others are only there. */
export const HOT: Scenario = { name: 'hot', path: '/small', script: 'hot.lua', connections: CONNECTIONS }

/** Requests spread evenly over all routes of a peer. */
export const SPREAD: Scenario = { name: 'spread', path: '/small', script: 'spread.lua', connections: CONNECTIONS }
