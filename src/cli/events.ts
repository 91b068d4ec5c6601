/** One server-sent event; `data` is the JSON of it. */
export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

/** The events of a stream of the admin API (WHATWG HTML, section 9.2): one line of data each. Comments are skipped. */
export async function* serverEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
      const event = eventOf(rest.slice(0, end))
      if (event !== undefined) yield event
      rest = rest.slice(end + 2)
    }
  }
}

function eventOf(text: string): ServerEvent | undefined {
  let event = 'message'
  let data: string | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice(7)
    else if (line.startsWith('data: ')) data = line.slice(6)
  }
  return data === undefined ? undefined : { event, data: JSON.parse(data) }
}
