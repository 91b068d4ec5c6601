import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { Mailboxes } from '../../../src/cells/mailbox.ts'
import { type CellRef, PAGE_BYTES, type Page } from '../../../src/cells/pages.ts'
import { CellSpace } from '../../../src/cells/space.ts'
import { settle, until } from '../../kit/until.ts'

export interface MailStart {
  readonly page: Page
  readonly refs: readonly CellRef[]
  readonly worker: number
  /** It has something else to live for. */
  readonly stays: boolean
}

const page: Page = { id: 0, kind: 'words', buffer: new SharedArrayBuffer(PAGE_BYTES) }
const refs = [0, 1, 2].map((slot) => ({ page: 0, slot }))
const threads: Worker[] = []
const boxes: Mailboxes[] = []

afterEach(async () => {
  for (const box of boxes.splice(0)) box.close()
  for (const thread of threads.splice(0)) await thread.terminate()
})

function mailboxes(worker = 0): Mailboxes {
  const space = new CellSpace(refs.length, worker)
  space.add([page])
  const made = new Mailboxes(space, refs)
  boxes.push(made)
  return made
}

async function thread(worker: number, stays: boolean): Promise<Worker> {
  const workerData: MailStart = { page, refs, worker, stays }
  const made = new Worker(new URL('./mail-worker.ts', import.meta.url), { workerData })
  threads.push(made)
  await once(made, 'message')
  return made
}

test('wakes idle threads, again and again, each by its own box', async () => {
  const mail = mailboxes()
  let heard = 0
  mail.listen(() => heard++)
  await Promise.all([1, 2].map((worker) => thread(worker, true)))
  for (let round = 1; round <= 200; round++) {
    const before = heard
    mail.post(1 + (round % 2))
    await until(() => heard > before)
  }
  expect(mail.count).toBe(200)
})

test('a mail that comes while nobody waits is heard of, and many at once are one', async () => {
  const mail = mailboxes()
  let heard = 0
  mail.listen(() => {
    if (++heard === 1) for (let i = 0; i < 5; i++) mail.post(0)
  })
  mail.post(0)
  await until(() => heard === 2)
  await settle()
  expect(heard).toBe(2)
})

test('all who listen hear of a mail', async () => {
  const mail = mailboxes()
  const heard: string[] = []
  mail.listen(() => heard.push('a'))
  mail.listen(() => heard.push('b'))
  mail.post(0)
  await until(() => heard.length > 0)
  await settle()
  expect(heard).toEqual(['a', 'b'])
})

test('keeps no thread alive, and ends with it', async () => {
  const leaving = await thread(1, false)
  await until(() => leaving.threadId === -1)
  const staying = await thread(1, true)
  expect(await staying.terminate()).toBe(1)
  // To nobody: lost, and nothing happens.
  mailboxes().post(1)
})

test('closed is closed', async () => {
  const mail = mailboxes()
  let heard = 0
  mail.listen(() => heard++)
  mail.close()
  mail.post(0)
  await settle()
  expect(heard).toBe(0)
})
