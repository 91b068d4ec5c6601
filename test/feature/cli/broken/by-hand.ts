/** A broken file, where its first error stands and a part of what is said. Lines of `body` count from 4 on. */
export interface Broken {
  readonly what: string
  readonly file: string | Uint8Array
  readonly at: string
  readonly says: string
}

const HEAD = `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
`
const ROUTE = `routes:
  a:
    match: { path: /a }
    respond: {}
`

function bytes(...parts: readonly (string | readonly number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
}

const bomb = Array.from({ length: 12 }, (_, i) => {
  const before = i === 0 ? 'lol' : `*a${i - 1}`
  return `x-${i}: &a${i} [${Array.from({ length: 10 }, () => before).join(', ')}]\n`
}).join('')
const deep = Array.from({ length: 150 }, (_, i) => `${' '.repeat(i + 1)}a:\n`).join('')

/** What, body, place, message. */
const WITH_HEAD: readonly (readonly [string, string, string, string])[] = [
  ['a tab', 'routes:\n\ta:\n', '5:1', 'indented with spaces, never with tabs'],
  ['a stray line', `${ROUTE}???\n`, '8:1', 'a key without a colon'],
  ['a line without a colon', `${ROUTE}drain\n`, '8:1', 'a key without a colon'],
  ['an item beside keys', 'routes:\n  - a\n  b: 1\n', '6:3', 'the indentation matches no line above'],
  ['a key in a value', 'routes:\n  a: b: c\n', '5:6', 'quote a value that contains ": "'],
  [
    'a colon in text',
    'routes:\n  a:\n    respond:\n      body: see: there\n',
    '7:13',
    'quote a value that contains ": "',
  ],
  ['an open double quote', `${ROUTE}gateway: { name: "x }\n`, '8:18', 'this quote is never closed'],
  ['an open single quote', `${ROUTE}gateway:\n  name: 'it\ndrain: {}\n`, '9:9', 'this quote is never closed'],
  ['an open brace', `${ROUTE}gateway: { name: x\ndrain: {}\n`, '8:10', 'this { is never closed'],
  ['an open bracket within braces', `${ROUTE}x-a: { b: [1, 2 }\n`, '8:11', 'this [ is never closed'],
  ['an open brace before a comment', `${ROUTE}x-a: { b: { c: 1 }\n# end\n`, '8:6', 'this { is never closed'],
  ['a bracket too many', `${ROUTE}x-a: [1, 2]]\n`, '8:12', 'the value before this has ended'],
  [
    'a comma that is missing',
    'routes:\n  a: { match: { path: /a } respond: {} }\n',
    '5:28',
    'a comma, a quote or a line break is missing',
  ],
  [
    'a comment without a space',
    'routes:\n  a:\n    match: { path: "/a"# c\n    }\n',
    '6:20',
    'Comments must be separated',
  ],
  ['a second document', `${ROUTE}---\n${HEAD}`, '8:1', 'a second document starts here'],
  ['a tag', `${ROUTE}x-a: !secret abc\n`, '8:6', 'tags are not supported'],
  ['an anchor without a name', `${ROUTE}x-a: &\n`, '8:6', 'an anchor or alias without a name'],
  ['an alias in itself', `${ROUTE}x-a: &a [*a]\n`, '8:10', '*a refers to what it stands in'],
  ['an alias without an anchor', `${ROUTE}x-a: *a\n`, '8:6', 'there is no &a before it'],
  ['a star without quotes', 'routes:\n  a:\n    match: { host: *.example.com }\n', '6:20', 'must be quoted'],
  ['a merge of text', `${ROUTE}x-a:\n  <<: 1\n`, '9:7', '<< takes a map or a list of maps'],
  ['a list as a key', `${ROUTE}x-a:\n  ? [a]\n  : 1\n`, '9:5', 'a key must be text'],
  ['a template', 'routes:\n  a:\n    match: {{ .path }}\n', '6:13', 'a key must be text'],
  ['a directive of Helm', `{{- if .x }}\n${ROUTE}`, '4:1', 'this is not a key with a value'],
  ['a merge conflict', `<<<<<<< HEAD\n${ROUTE}=======\n`, '4:1', 'this is not a key with a value'],
  ['an escape in double quotes', 'routes:\n  a:\n    match: { path: "~ ^/\\d+$" }\n', '6:25', "write 'single quotes'"],
  ['a percent sign', 'routes:\n  a:\n    match: { path: %2F }\n', '6:20', 'must be quoted'],
  ['an at sign', 'routes:\n  a:\n    match: { path: @x }\n', '6:20', 'must be quoted'],
  ['a backtick', 'routes:\n  a:\n    match: { path: `x` }\n', '6:20', 'must be quoted'],
  [
    'text that is not indented',
    'routes:\n  a:\n    respond:\n      body: |\n    hello\n',
    '8:5',
    'a key without a colon',
  ],
  ['an environment value in braces', `x-a: { b: \${PORT} }\n`, '4:12', 'inside { } quote values'],
  [
    'an unset environment value',
    `${ROUTE}gateway: { name: "\${NAME}" }\n`,
    '8:18',
    'the environment value NAME is not set',
  ],
  ['a NUL byte', `${ROUTE}x-a: a\0b\n`, '8:7', 'it contains NUL bytes'],
  ['a bell', `${ROUTE}x-a: \u0007\n`, '8:6', 'the control character U+0007 cannot stand here'],
  ['a terminal sequence', `${ROUTE}x-a: { b: "\u001b[31m" }\n`, '8:12', 'the control character U+001B'],
  ['lists in lists', `${ROUTE}x-a: ${'['.repeat(200)}${']'.repeat(200)}\n`, '8:106', 'nested deeper than 100 levels'],
  ['maps in maps', `${ROUTE}x-a:\n${deep}`, '109:102', 'nested deeper than 100 levels'],
  ['an alias bomb', `${ROUTE}${bomb}`, '13:46', 'aliases expand to more than 1000000 values'],
  ['a section twice', `${ROUTE}routes: {}\n`, '8:1', 'the first is in line 4'],
  ['a key twice in braces', 'routes:\n  a: { match: {}, match: {} }\n', '5:19', 'is here twice'],
  ['no routes', 'routes: {}\n', '4:9', 'no route; at least one is needed'],
  ['nothing under routes', 'routes:\n', '4:8', 'nothing (null) is not a map of routes by name'],
  ['nothing behind a comment', 'routes: # later\n', '4:8', 'nothing (null) is not a map of routes by name'],
  [
    'a route without an answer',
    'routes:\n  a: { match: {} }\n',
    '5:3',
    'a route needs exactly one of to, redirect, respond',
  ],
  [
    'an unknown upstream',
    'upstreams: { orders: { endpoints: [ http://o ] } }\nroutes:\n  a: { match: {}, to: order }\n',
    '6:23',
    'did you mean orders?',
  ],
  ['an unknown profile', 'routes:\n  a: { match: {}, respond: {}, use: [p] }\n', '5:38', 'the file has no profiles'],
  [
    'a fallback to itself',
    'upstreams: { u: { endpoints: [ http://u ] } }\nroutes:\n  a: { match: {}, to: u, fallback: { route: a } }\n',
    '6:45',
    'leads back to itself',
  ],
  [
    'two routes that tie',
    'routes:\n  a: { match: {}, respond: {} }\n  b: { match: {}, respond: {} }\n',
    '6:3',
    'ties with route a (line 5)',
  ],
  [
    'a misspelt condition',
    'routes:\n  a: { match: { headers: { x: { presnet: true } } }, respond: {} }\n',
    '5:33',
    'did you mean present?',
  ],
  [
    'a condition without a space',
    'routes:\n  a:\n    match:\n      headers:\n        x:\n          present:true\n    respond: {}\n',
    '9:11',
    'a space is missing after the colon',
  ],
  ['a duration without a unit', `drain: { timeout: 5 }\n${ROUTE}`, '4:19', 'write 5ms or 5s'],
  [
    'a size without a number',
    'x-a: 1\nroutes:\n  a:\n    match: {}\n    respond: {}\n    timeouts: { minRate: { bytes: many } }\n',
    '9:35',
    '"many" is not a size',
  ],
  ['a port too large', `admin: { listen: "127.0.0.1:99999" }\n${ROUTE}`, '4:18', 'ports end at 65535'],
  [
    'credentials in a URL',
    `upstreams: { u: { endpoints: [ "http://a:b@c" ] } }\n${ROUTE}`,
    '4:32',
    'it must not contain credentials',
  ],
  [
    'a port in a list',
    'routes:\n  a:\n    match: { host: a.example.com:80 }\n    respond: {}\n',
    '6:20',
    'hosts are compared without port',
  ],
  ['a key of a later version', `${ROUTE}    cors: {}\n`, '8:5', 'not in this version of Sluice'],
  ['a key of another place', `${ROUTE}timeouts: {}\n`, '8:1', 'did you mean defaults.route.timeouts?'],
  ['an address without admin.auth', `admin: { listen: 0.0.0.0:9901 }\n${ROUTE}`, '4:18', 'that needs admin.auth'],
  [
    'a secret in plain text',
    `admin: { auth: { tokens: [ { name: a, role: admin, secret: abc } ] } }\n${ROUTE}`,
    '4:60',
    'secrets are never written into the config',
  ],
]

/** What, the whole file, place, message. */
const WHOLE: readonly (readonly [string, string | Uint8Array, string, string])[] = [
  ['nothing', '', '1:1', 'the file is empty'],
  ['comments only', '# a\n\n  # b\n', '1:1', 'the file is empty'],
  ['text', 'hello\n', '1:1', 'a config is a map of keys such as routes'],
  ['a list', '- a\n- b\n', '1:1', 'a config is a map of keys such as routes'],
  ['a number', '42\n', '1:1', 'a config is a map of keys such as routes'],
  ['only a version', 'apiVersion: sluice/v1\n', '1:1', '"listeners" is missing'],
  ['another version', `apiVersion: sluice/v9\n${ROUTE}`, '1:13', '"sluice/v9" is newer than this Sluice'],
  ['a config of nginx', 'server {\n  listen 80;\n}\n', '1:1', 'a config is a map of keys such as routes'],
  ['a page', '<!doctype html>\n<html></html>\n', '1:1', 'a config is a map of keys such as routes'],
  ['TOML', '[listeners]\nweb = "x"\n', '2:1', 'the value before this has ended'],
  ['JSON that is cut', '{"apiVersion": "sluice/v1", "routes": {', '1:39', 'this { is never closed'],
  ['another YAML', `%YAML 1.1\n---\n${HEAD}${ROUTE}`, '1:1', 'Sluice reads YAML 1.2'],
  ['carriage returns', `${HEAD}${ROUTE}`.replaceAll('\n', '\r'), '1:13', 'a carriage return alone does not end a line'],
  ['UTF-16', bytes([0xff, 0xfe], Buffer.from(HEAD, 'utf16le').toJSON().data), '1:1', 'this is not UTF-8 text'],
  ['Latin-1', bytes(HEAD, 'routes:\n  caf', [0xe9], ': {}\n'), '5:6', 'this is not UTF-8 text'],
  ['a character that is cut', bytes(HEAD, ROUTE, [0xe2, 0x82]), '8:1', 'this is not UTF-8 text'],
  ['half of a surrogate pair', bytes(HEAD, 'x-a: ', [0xed, 0xa0, 0x80], '\n', ROUTE), '4:6', 'this is not UTF-8 text'],
  ['a bad byte behind others', bytes(HEAD, 'x-é: "ü', [0x80], '"\n', ROUTE), '4:8', 'this is not UTF-8 text'],
  ['an image', bytes([0x89], 'PNG\r\n', [0x1a, 0x0a, 0, 0, 0, 0x0d]), '1:1', 'this is not UTF-8 text'],
]

export const BY_HAND: readonly Broken[] = [
  ...WITH_HEAD.map(([what, body, at, says]) => ({ what, file: HEAD + body, at, says })),
  ...WHOLE.map(([what, file, at, says]) => ({ what, file, at, says })),
]
