/**
 * `node:http`, to be taken from here. An `import` of it would read all its exports, the lazy ones too, and so load undici,
 * HTTP/2 and web streams: 15 MiB of the process, and 4 MiB per further thread that does it (Node 26.10).
 */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http')
