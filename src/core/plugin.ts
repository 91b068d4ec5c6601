/** A module that brings features, as all threads load it. Structured-cloneable: functions could not be sent to them. */
export interface PluginModule {
  /** As the config names it, for messages. */
  readonly name: string
  readonly url: string
}
