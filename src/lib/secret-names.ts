const CREDENTIALS = 'authorization|token|secret|passw(or)?d|(api|auth|private)[-_]?key'
const OTHERS = 'passw|cookie|credential|private|session|signature|(^|[-_])key$'

const ENDS_IN_CREDENTIAL = new RegExp(`(^|[-_])(${CREDENTIALS})$`, 'i')
const TELLS = new RegExp(`${CREDENTIALS}|${OTHERS}`, 'i')

/** Whether values under that name tend to be secrets. Asked before one is shown: hides rather too many. */
export function mayHoldSecret(name: string): boolean {
  return TELLS.test(name)
}

/** Whether a value under that name is a credential. Asked before somebody is told off: takes rather too few. */
export function isCredential(name: string): boolean {
  return ENDS_IN_CREDENTIAL.test(name)
}
