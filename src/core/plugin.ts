/** A module that brings features, as all threads load it. Structured-cloneable: functions could not be sent to them. */
export interface PluginModule {
  /** As the config names it. */
  readonly name: string
  /** Of its entry. Another text of one of its files gives another URL. */
  readonly url: string
  /**
   * The text of each of its files, by URL: all threads run what was judged, whatever the files hold by then. Others are read
   * from where they are.
   */
  readonly texts: Readonly<Record<string, string>>
}
