import { STORE_BOUNDS } from '../../src/core/store.ts'
import { madeFolder } from '../kit/folder.ts'
import { openedSqlite } from '../kit/sqlite-store.ts'
import { describeStore } from './store.ts'

describeStore('sqlite', async () => {
  const folder = madeFolder()
  const { engine, of, wall } = await openedSqlite(folder.path)
  return {
    of,
    mostKey: STORE_BOUNDS.key,
    mostValue: STORE_BOUNDS.value,
    advance: (ms) => wall.advance(ms),
    async close() {
      await engine.close()
      folder.remove()
    },
  }
})
