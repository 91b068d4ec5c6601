import { createHash, timingSafeEqual } from 'node:crypto'
import { ROLES, type Role } from '../../core/operation.ts'
import type { AdminToken } from '../operations/reload/secrets.ts'

/** Roles of operators. Secrets are kept as hashes only. */
export class Tokens {
  private readonly known: readonly { readonly name: string; readonly role: Role; readonly hash: Buffer }[]

  constructor(tokens: readonly AdminToken[]) {
    this.known = tokens.map(({ name, role, secret }) => ({ name, role, hash: digest(secret) }))
  }

  /** The owner of this token. Takes the same time whatever the token and wherever it stands. */
  find(presented: string): { readonly name: string; readonly role: Role } | undefined {
    const hash = digest(presented)
    let found: { readonly name: string; readonly role: Role } | undefined
    for (const token of this.known) if (timingSafeEqual(token.hash, hash)) found = token
    return found
  }
}

export function suffices(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** The token of an `Authorization: Bearer` field. */
export function bearerOf(authorization: string | undefined): string | undefined {
  const [scheme, token, ...rest] = (authorization ?? '').split(' ')
  return scheme?.toLowerCase() === 'bearer' && token !== '' && rest.length === 0 ? token : undefined
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
