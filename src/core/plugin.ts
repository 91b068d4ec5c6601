/** A module that brings features, as all threads load it. Structured-cloneable: functions could not be sent to them. */
export interface PluginModule {
  /** As the config names it. */
  readonly name: string
  /** Of its entry. Another text of one of its files gives another URL. */
  readonly url: string
  /** Of a package: its folder, links resolved; workers may read it. Undefined where the config lies in it, too. */
  readonly folder?: string
  /**
   * The text of each of its files, by URL: all threads run what was judged, whatever the files hold by then. Others are read
   * from where they are.
   */
  readonly texts: Readonly<Record<string, string>>
}

/** Whether two configs run the same plug-ins, with the same texts. */
export function sameCode(a: readonly PluginModule[], b: readonly PluginModule[]): boolean {
  return a.length === b.length && a.every(({ url }, i) => url === b[i]?.url)
}
