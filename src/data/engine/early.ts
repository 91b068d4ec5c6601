import type { Downstream } from '../../core/downstream.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { FieldKinds } from './fields.ts'
import { passedOn } from './fields.ts'

/** 1xx answers per request, of all its attempts, and the bytes of their fields. */
const MAX_ANSWERS = 100
const MAX_BYTES = 65_536

/** Passes 1xx answers on, within bounds: the client asked for one answer, and must not be made to read these for ever. */
export class EarlyAnswers {
  private readonly downstream: Downstream
  private readonly kinds: FieldKinds
  private answers = 0
  private bytes = 0

  constructor(downstream: Downstream, kinds: FieldKinds) {
    this.downstream = downstream
    this.kinds = kinds
  }

  pass(status: number, headers: FlatHeaders): void {
    if (this.answers === MAX_ANSWERS || this.bytes > MAX_BYTES) return
    const fields = passedOn(this.kinds, headers)
    this.answers++
    for (const text of fields) this.bytes += text.length + 2
    if (this.bytes <= MAX_BYTES) this.downstream.informational(status, fields)
  }
}
