/**
 * One value for all that is made of the same facts. Of thousands of things that mostly differ in their names, the shared
 * part is made once and stays in the CPU's cache, however seldom each is used.
 */
export class Shared {
  private readonly made = new Map<string, unknown>()

  /** `facts`: what `make` depends on, distinct as JSON; `kind`: of the value. */
  of<T>(kind: string, facts: unknown, make: () => T): T {
    const key = kind + JSON.stringify(facts)
    if (!this.made.has(key)) this.made.set(key, make())
    return this.made.get(key) as T
  }
}
