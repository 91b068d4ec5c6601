import { defineFeature, object, required, text } from 'sluice'

/** A feature of a program: puts a field into answers. */
export const stamp = defineFeature({
  name: 'stamp',
  doc: 'Puts a text into answers.',
  keys: { route: object({ text: required(text(), 'What it says.') }) },
  places: { stamp: { stage: 75, why: 'Beside what changes fields.' } },
  compile: (options, { feature }) => ({
    stamp: { name: feature, respond: (ex) => void ex.response?.headers.push('x-stamp', options.text) },
  }),
})

export default stamp
