import { ROLES } from '../../core/operation.ts'
import { cidr, hostName } from '../../http/schemas.ts'
import { list, map, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { name, oneOf, text } from '../../schema/scalars.ts'
import { secret } from '../../schema/secret.ts'
import { headerName, listenAddress } from './values.ts'

const role = oneOf(...ROLES)

const token = object({
  name: required(name(), 'Name of the operator, as the audit log shows it.'),
  role: required(role, 'Role: what the token allows.'),
  secret: required(secret(), 'Secret token that clients send.'),
})

/** A peer in this list may claim any identity. */
const peers = mapped(cidr(), (value, refuse) =>
  /\/0+$/.test(value) ? refuse('every client could then claim to be an admin') : value,
)

const trustedProxyHeader = object({
  from: required(oneOrMany(peers), 'Networks of the proxies; the fields of all other peers are ignored.'),
  user: withDefault(
    headerName(),
    'x-forwarded-user',
    'Header field with the name of the operator, as the audit log shows it.',
  ),
  role: withDefault(
    headerName(),
    'x-forwarded-groups',
    'Header field with the role or, if roles is set, with groups, separated by commas.',
  ),
  roles: optional(
    map(text('a group as the proxy writes it'), role, 'a map from groups to roles'),
    'Role of each group; of several, the highest counts. Default: the field contains the role itself.',
  ),
})

/** `admin`. */
export const adminOptions = object(
  {
    listen: withDefault(listenAddress(), '127.0.0.1:9901', 'Address and port of the admin API, metrics and probes.'),
    hosts: withDefault(oneOrMany(hostName(), 0), [], 'Host names that requests may use, besides localhost.'),
    auth: optional(
      object({ tokens: required(list(token, 1), 'Tokens of operators, with the role of each.') }),
      'Who may use the admin API. Default: reads are open on loopback, and changes need a token that is made at start.',
    ),
    trustedProxyHeader: optional(
      trustedProxyHeader,
      'A proxy in front of the admin API, such as oauth2-proxy, that names the operator in header fields. It must remove these fields from clients’ requests.',
    ),
  },
  { later: ['path'] },
)
