/** From the launches of a trial to its figures. Pure. */

import { meanOf } from '../statistics/sample.js'
import { figuresOf, roundValue } from './figures.js'
import type { Launched, NoFloor, Told } from './launch.js'
import { ratioOf, spreadOf } from './ratio.js'
import type { Floor, Measurement } from './record.js'
import type { Trial } from './trial.js'

/** The share of a fixed rate that must arrive in time, late ones at the end of a round being part of that. */
const KEPT = 0.95

/** A text says why these launches count as failed. */
export function measurementOf(trial: Trial, launched: readonly Launched[]): Measurement | string {
  const own = launched.map((launch) => launch.own)
  const rate = rateOf(trial, own)
  if (rate !== undefined && rate.reached < KEPT * rate.wanted)
    return `the rate of ${rate.wanted} messages a second was missed: ${Math.round(rate.reached)} arrived`
  const floor = floorOf(trial, launched)
  const idle = own[0]?.farewell.idle
  const wrapper = wrapperOf(own)
  return {
    ...figuresOf(own, trial),
    launches: launched.map((launch) => ({
      rounds: valuesOf(launch.own),
      ...(floor?.status === 'measured' && { floorRounds: valuesOf(launch.floor as Told) }),
      probesNs: launch.probesNs,
    })),
    ...(idle && { idle }),
    ...(wrapper && { wrapper }),
    ...(rate && { rate }),
    ...(floor && { floor }),
  }
}

const valuesOf = ({ rounds }: Told): number[] => rounds.map(roundValue)

/** Of all launches, or why one of them has none. */
function floorOf(trial: Trial, launched: readonly Launched[]): Floor | undefined {
  const sides = launched.flatMap(({ floor }) => floor ?? [])
  const missing = sides.find((side): side is NoFloor => 'status' in side)
  if (missing !== undefined || sides.length === 0) return missing
  const told = sides as readonly Told[]
  const ratio = ratioOf(
    launched.map(({ own }) => valuesOf(own)),
    told.map(valuesOf),
  )
  return { status: 'measured', ratio, ...figuresOf(told, trial) }
}

function wrapperOf(own: readonly Told[]): Measurement['wrapper'] {
  const told = own.flatMap(({ farewell }) => farewell.wrapper ?? [])
  if (told.length === 0) return undefined
  return { endpointNs: meanOf(told.map(({ endpointNs }) => endpointNs)), addedNs: spreadOf(told.map(({ addedNs }) => addedNs)) }
}

function rateOf({ ratePerSecond }: Trial, own: readonly Told[]): Measurement['rate'] {
  if (ratePerSecond === undefined) return undefined
  const rounds = own.flatMap((side) => side.rounds)
  const sum = (figure: 'count' | 'elapsedMs') => rounds.reduce((total, round) => total + round[figure], 0)
  return { wanted: ratePerSecond, reached: sum('count') / (sum('elapsedMs') / 1000) }
}
