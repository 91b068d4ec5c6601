#!/usr/bin/env node
// Plain JavaScript for any Node: whoever starts it, Sluice itself runs on the Node that it pins.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const node = pinnedNode()
if (!existsSync(cli)) fail('it was not built; in a checkout run: npm run -s sluice --')
if (node === undefined)
  fail('the pinned Node is missing; install again, with install scripts of the package node allowed')

const child = spawn(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit' })
// A terminal signals both of us: the gateway takes a second one within a second for the echo of the first.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => fail(`${node} can not be started: ${error.message}`))
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})

/** The binary of the npm package `node` that we depend on; undefined: it is not there. */
function pinnedNode() {
  try {
    const binary = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

function fail(why) {
  process.stderr.write(`sluice: ${why}\n`)
  process.exit(1)
}
