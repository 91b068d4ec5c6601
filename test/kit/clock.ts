/** As the tests of Sluice know the clock that programs may give to a gateway. */
export { VirtualClock as ManualClock } from '../../src/lib/virtual-clock.ts'
