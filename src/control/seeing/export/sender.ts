/** The process that sends. */
export interface Sender {
  /** `service.name`. */
  readonly service: string
  readonly version: string
  /** `service.instance.id`: differs between processes. */
  readonly instance: string
}

/** Attributes of the resource that spans and metrics belong to. */
export function resourceAttributes({ instance, service, version }: Sender): Readonly<Record<string, string>> {
  return { 'service.name': service, 'service.version': version, 'service.instance.id': instance }
}

/** Of what is sent: OTLP over HTTP. */
export function contentTypeOf(json: boolean): string {
  return json ? 'application/json' : 'application/x-protobuf'
}
