import { parentPort, workerData } from 'node:worker_threads'
import { Mailboxes } from '../../../src/cells/mailbox.ts'
import { CellSpace } from '../../../src/cells/space.ts'
import type { MailStart } from './mailbox.test.ts'

const { page, refs, worker, stays } = workerData as MailStart
const space = new CellSpace(refs.length, worker)
space.add([page])
const mail = new Mailboxes(space, refs)
// A mail to us is answered with one to worker 0.
mail.listen(() => mail.post(0))
if (stays) parentPort?.on('message', () => {})
parentPort?.postMessage('up')
