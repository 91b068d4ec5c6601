const KEY = 'sluice-theme'
const NEXT = { auto: 'light', light: 'dark', dark: 'auto' }

/**
 * Light, dark, or as the system has it; kept in this browser.
 * @param {HTMLElement} button
 * @param {() => void} changed
 */
export function themeSwitch(button, changed) {
  let theme = localStorage.getItem(KEY) ?? 'auto'
  const apply = () => {
    if (theme === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
    button.textContent = `Theme: ${theme}`
  }
  button.addEventListener('click', () => {
    theme = NEXT[theme] ?? 'auto'
    localStorage.setItem(KEY, theme)
    apply()
    changed()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  apply()
}
