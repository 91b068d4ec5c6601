/**
 * Makes an element. Attributes that are functions listen (`onclick`), false and undefined are left out; children are nodes
 * and texts, never markup.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...any} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false))
  return element
}

/**
 * Writes a text where it differs, so that what stays costs no layout and is not read out again.
 * @param {Node} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * @param {Element} element
 * @param {string} name
 */
export function writeClass(element, name) {
  if (element.className !== name) element.className = name
}

/**
 * A state with its sign, see parts.css.
 * @param {string} text
 * @param {string} tone good, warn, bad or empty
 */
export function badge(text, tone) {
  return h('span', { class: `badge ${tone}`.trim() }, text)
}

/**
 * @param {string} title
 * @param {...any} children
 */
export function panel(title, ...children) {
  return h('section', { class: 'panel' }, h('header', {}, h('h2', {}, title)), ...children)
}

/**
 * Stands in the place of a page of something that the live config does not have; hidden at first.
 * @param {string} kind
 */
export function missing(kind) {
  return h(
    'p',
    { class: 'empty', hidden: true },
    `The live config has no ${kind} of this name. `,
    h('a', { href: '#/' }, 'All that there are'),
  )
}
