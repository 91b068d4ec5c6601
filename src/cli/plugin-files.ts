/** What `sluice plugin new` writes for a feature of this name: text by the name of the file. */
export function pluginFiles(name: string): Readonly<Record<string, string>> {
  return { [`${fileOf(name)}.ts`]: pluginText(name), [`${fileOf(name)}.test.ts`]: testText(name) }
}

/** Lines for the config that uses it. */
export function pluginLines(name: string): string {
  return `plugins: [./${fileOf(name)}.ts]
routes:
  …: { …, ${name}: { field: ${fieldOf(name)}, value: hello } }
`
}

/** auditHeader: audit-header */
export function fileOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function fieldOf(name: string): string {
  return `x-${fileOf(name)}`
}

function pluginText(name: string): string {
  return `import { defineFeature, fieldName, object, required, text } from 'sluice'

export default defineFeature({
  name: '${name}',
  doc: 'A field on each answer of the route.',
  keys: {
    route: object({
      field: required(fieldName(), 'Name of the field.'),
      value: required(text(), 'Its value.'),
    }),
  },
  // docs/architecture.md of Sluice says which numbers mean what; users never order by hand.
  places: { answer: { stage: 50, why: 'It needs nothing that acts further in.' } },
  compile: ({ field, value }, { feature }) => ({
    answer: {
      name: feature,
      respond(ex) {
        ex.response?.headers.push(field, value)
      },
    },
  }),
})
`
}

function testText(name: string): string {
  const imports = [
    "import assert from 'node:assert/strict'",
    "import { test } from 'node:test'",
    "import { createGateway } from 'sluice'",
    `import ${name} from './${fileOf(name)}.ts'`,
  ]
  return `${imports.join('\n')}

test('${name} is on each answer of its route', async () => {
  const gateway = await createGateway({
    config: {
      listeners: { web: { listen: '127.0.0.1:0' } },
      routes: {
        marked: { match: { path: '/marked' }, respond: { body: 'hello' }, ${name}: { field: '${fieldOf(name)}', value: 'hello' } },
        plain: { match: { path: '/plain' }, respond: { body: 'hello' } },
      },
    },
    features: [${name}],
  })
  try {
    const [web] = await gateway.listen()
    const marked = await fetch(\`http://127.0.0.1:\${web?.port}/marked\`)
    assert.equal(marked.headers.get('${fieldOf(name)}'), 'hello')
    const plain = await fetch(\`http://127.0.0.1:\${web?.port}/plain\`)
    assert.equal(plain.headers.get('${fieldOf(name)}'), null)
  } finally {
    await gateway.close()
  }
})
`
}
