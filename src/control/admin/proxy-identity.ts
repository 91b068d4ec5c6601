import { ROLES, type Role } from '../../core/operation.ts'
import { CidrSet } from '../../lib/cidr.ts'
import { suffices } from './tokens.ts'

const MOST_CHARS = 256

/** The caller, as far as it is proved. */
export interface AdminIdentity {
  readonly name: string
  readonly role: Role
}

export interface ProxyIdentityOptions {
  /** CIDRs. */
  readonly from: readonly string[]
  /** Lower-case names of the fields. */
  readonly user: string
  readonly role: string
  /** By group; undefined: the field holds the role. */
  readonly roles: Readonly<Record<string, Role>> | undefined
}

/** The caller, as an auth proxy in front names it. */
export class ProxyIdentity {
  private readonly options: ProxyIdentityOptions
  private readonly from: CidrSet

  constructor(options: ProxyIdentityOptions) {
    this.options = options
    this.from = new CidrSet(options.from)
  }

  /**
   * undefined: the peer is not one of the proxies, or its fields are ambiguous. A field that comes twice is ignored: one of
   * its lines may be the client's own.
   *
   * @param peer address of the other end of the connection
   * @param valuesOf all lines of a field, by lower-case name
   */
  of(peer: string, valuesOf: (name: string) => readonly string[]): AdminIdentity | undefined {
    if (!this.from.contains(peer)) return undefined
    const name = only(valuesOf(this.options.user))
    const groups = only(valuesOf(this.options.role))
    if (name === undefined || groups === undefined) return undefined
    const role = groups
      .split(',')
      .map((group) => this.roleOf(group.trim()))
      .reduce((a, b) => (a !== undefined && (b === undefined || suffices(a, b)) ? a : b), undefined)
    return role && { name, role }
  }

  private roleOf(group: string): Role | undefined {
    const { roles } = this.options
    if (roles === undefined) return ROLES.find((role) => role === group)
    return Object.hasOwn(roles, group) ? roles[group] : undefined
  }
}

function only(values: readonly string[]): string | undefined {
  const [value = '', ...more] = values
  const text = value.trim()
  return more.length > 0 || text === '' || text.length > MOST_CHARS ? undefined : text
}
