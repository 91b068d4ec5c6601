const MAX_LENGTH = 128

const ALLOWED = new Uint8Array(128)
for (const char of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:/+=@-') {
  ALLOWED[char.charCodeAt(0)] = 1
}

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
