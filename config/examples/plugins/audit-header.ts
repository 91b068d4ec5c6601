import { defineFeature, fieldName, object, required, text, withDefault } from 'sluice'

/** A field on each answer of a route, and how many there were. */
export default defineFeature({
  name: 'auditHeader',
  doc: 'A field on each answer that says who is responsible for the route.',
  keys: {
    route: object({
      field: withDefault(fieldName(), 'x-audited-by', 'Name of the field.'),
      team: required(text(), 'Who is responsible.'),
    }),
  },
  metrics: {
    sluice_audited_answers_total: { kind: 'counter', help: 'Answers that name who is responsible.', labels: ['route'] },
  },
  places: { answer: { stage: 50, why: 'It needs nothing that acts further in.' } },
  compile({ field, team }, { feature, metrics, use }) {
    const answers = metrics.counter('sluice_audited_answers_total', [use.name])
    return {
      answer: {
        name: feature,
        respond(ex) {
          ex.response?.headers.push(field, team)
          answers.inc()
        },
      },
    }
  },
})
