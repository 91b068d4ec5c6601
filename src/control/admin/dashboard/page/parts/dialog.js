import { h } from '../lib/dom.js'

/**
 * Asks before something is done. Resolves with what the fields hold, or undefined where the person steps back. Where `act`
 * rejects, its message stands in the dialog, which stays open with what was typed.
 * @param {{ title: string, text: string, yes: string, fields?: readonly { name: string, label: string, type?: string,
 *   value?: string, options?: readonly (readonly [string, string])[] }[],
 *   act?: (values: Record<string, string>) => Promise<unknown> }} question
 * @returns {Promise<Record<string, string> | undefined>}
 */
export function ask({ title, text, yes, fields = [], act }) {
  const inputs = fields.map(({ name, options, type = 'text', value = '' }) =>
    options === undefined
      ? h('input', { name, type, value, autocomplete: 'off', spellcheck: 'false' })
      : h(
          'select',
          { name },
          options.map(([own, label]) => h('option', { value: own }, label)),
        ),
  )
  return new Promise((resolve) => {
    /** @type {Record<string, string> | undefined} */
    let answer
    const accept = async () => {
      if (button.disabled) return
      const values = Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]))
      button.disabled = true
      problem.textContent = ''
      try {
        await act?.(values)
        answer = values
        dialog.close()
      } catch (error) {
        problem.textContent = error.message
        button.disabled = false
      }
    }
    const problem = h('p', { class: 'problem', role: 'alert' })
    const button = h('button', { type: 'button', class: 'primary', onclick: accept }, yes)
    const dialog = h(
      'dialog',
      { 'aria-labelledby': 'dialog-title', 'aria-describedby': 'dialog-text' },
      h('h2', { id: 'dialog-title' }, title),
      h(
        'div',
        {
          class: 'body',
          onkeydown: (event) => {
            if (event.key === 'Enter') void accept()
          },
        },
        h('p', { id: 'dialog-text' }, text),
        fields.map(({ label }, i) => h('label', {}, label, inputs[i])),
        problem,
      ),
      h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), button),
    )
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(answer)
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
