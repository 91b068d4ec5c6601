const MAX_LENGTH = 128

const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:/+=@-'
/** 1 for the codes that may occur. */
const ALLOWED = Uint8Array.from({ length: 128 }, (_, code) => (CHARACTERS.includes(String.fromCharCode(code)) ? 1 : 0))

/** Whether a value from outside may serve as correlation ID: `[A-Za-z0-9._:/+=@-]{1,128}`. */
export function isCorrelationId(value: string): boolean {
  const length = value.length
  if (length === 0 || length > MAX_LENGTH) return false
  for (let i = 0; i < length; i++) {
    // Beyond the table: undefined.
    if (ALLOWED[value.charCodeAt(i)] !== 1) return false
  }
  return true
}
