import { FixtureWorker } from './fixture.ts'

new FixtureWorker().run()
