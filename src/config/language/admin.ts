import { ROLES } from '../../core/operation.ts'
import { hostName } from '../../http/schemas.ts'
import { list, map, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { name, oneOf, text } from '../../schema/scalars.ts'
import { secret } from '../../schema/secret.ts'
import { cidr, headerName, listenAddress } from './values.ts'

const role = oneOf(...ROLES)

const token = object({
  name: required(name(), 'Who it is; named in the audit log.'),
  role: required(role, 'What it may do.'),
  secret: required(secret(), 'Where the secret is.'),
})

/** Whoever is in it may say that he is anybody. */
const peers = mapped(cidr(), (value, refuse) =>
  /\/0+$/.test(value) ? refuse('everybody could then call himself an admin') : value,
)

const trustedProxyHeader = object({
  from: required(oneOrMany(peers), 'Networks of the proxies; the fields of all others count for nothing.'),
  user: withDefault(headerName(), 'x-forwarded-user', 'Field with the name of who asks; it stands in the audit log.'),
  role: withDefault(
    headerName(),
    'x-forwarded-groups',
    'Field with the role or, with roles, with groups; several are separated by commas.',
  ),
  roles: optional(
    map(text('a group as the proxy writes it'), role, 'a map from groups to roles'),
    'Role of each group; of several the highest counts. Without it the field holds the role itself.',
  ),
})

/** `admin`. */
export const adminOptions = object(
  {
    listen: withDefault(listenAddress(), '127.0.0.1:9901', 'Address and port of API, metrics and probes.'),
    hosts: withDefault(oneOrMany(hostName(), 0), [], 'Host names under which it may be asked, besides localhost.'),
    auth: optional(
      object({ tokens: required(list(token, 1), 'Who may do what.') }),
      'Without it reads are free on loopback, and a token for changes is made at start.',
    ),
    trustedProxyHeader: optional(
      trustedProxyHeader,
      'A proxy in front that knows who asks, such as oauth2-proxy, and says so in header fields. It must remove these fields from what clients send.',
    ),
  },
  { later: ['path'] },
)
