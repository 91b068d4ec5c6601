const CREDENTIALS = 'authorization|token|secret|passw(or)?d|(api|auth|private)[-_]?key'
const OTHERS = 'passw|cookie|credential|private|session|signature|(^|[-_])key$'

const ENDS_IN_CREDENTIAL = new RegExp(`(^|[-_])(${CREDENTIALS})$`, 'i')
const TELLS = new RegExp(`${CREDENTIALS}|${OTHERS}`, 'i')

/**
 * Whether values under that name tend to be secrets. Asked before a value is shown: hides too much rather than too little.
 */
export function mayHoldSecret(name: string): boolean {
  return TELLS.test(name)
}

/**
 * Whether a value under that name is a credential. Asked before a config is criticised: reports too little rather than too
 * much.
 */
export function isCredential(name: string): boolean {
  return ENDS_IN_CREDENTIAL.test(name)
}
