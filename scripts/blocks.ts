/**
 * Pages that people write have blocks that are generated: `<!-- keys: routes.NAME.streams -->` … `<!-- end -->`. Fills those of
 * one kind; `text` gets what stands behind the colon and throws where there is no such thing.
 */
export function filledBlocks(page: string, kind: string, text: (wanted: string) => string): string {
  const block = new RegExp(`^<!-- ${kind}: (.+) -->\\n[\\s\\S]*?^<!-- end -->$`, 'gm')
  return page.replace(
    block,
    (_, wanted: string) => `<!-- ${kind}: ${wanted} -->\n\n${text(wanted).trim()}\n\n<!-- end -->`,
  )
}
