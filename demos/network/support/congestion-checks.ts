/** What each algorithm is held to. RFC 5681, RFC 9438 */
import type { Lab } from '../../../src/lab/lab.js'
import type { Course } from './congestion-course.js'

export const ALGORITHMS = ['reno', 'cubic', 'bbr'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** @throws Refuted where it does otherwise */
export const checkCourse = (lab: Lab, algorithm: Algorithm, course: Course): void => CHECKS[algorithm](lab, course)

const near = (value: number, wanted: number): boolean => Math.abs(value / wanted - 1) <= 0.2

const shown = (numbers: readonly number[]): string => numbers.map((number) => Math.round(number)).join(' → ')

/** What holds of all three. Linux waits for three duplicates or, behind the first, a quarter of the round trip. RFC 8985 */
function checkRecoveries(lab: Lab, { losses, timeouts }: Course): void {
  const list = (what: 'duplicates' | 'newMeanwhile') => losses.map((loss) => loss[what]).join(', ')
  lab.expect(
    losses.every(({ duplicates }) => duplicates > 0) && timeouts === 0,
    `fast retransmit: the lost packets are sent again when ${list('duplicates')} acknowledgements had asked for them, and no timer had ended`,
  )
  lab.expect(
    losses.every(({ newMeanwhile }) => newMeanwhile > 0),
    `fast recovery: ${list('newMeanwhile')} new packets left before the gaps were closed`,
  )
}

const CHECKS: Readonly<Record<Algorithm, (lab: Lab, course: Course) => void>> = {
  reno(lab, course) {
    const [first = 0, second = 0, third = 0] = course.opening
    lab.expect(
      first === 10 && near(second, 2 * first) && near(third, 2 * second),
      `slow start: ${shown([first, second, third])} packets a round trip`,
    )
    checkRecoveries(lab, course)
    for (const { flight, threshold } of course.losses)
      lab.expect(near(threshold / flight, 0.5), `a loss with ${flight} segments on their way: ssthresh ${threshold}, half of them`)
    for (const { growth } of course.losses.slice(0, -1))
      lab.expect(
        growth.windows.length > 4 && near(growth.acknowledged, growth.windowfuls),
        `congestion avoidance: ${shown(growth.windows)}, one more for each window acknowledged, so one a round trip`,
      )
  },
  cubic(lab, course) {
    checkRecoveries(lab, course)
    for (const { flight, threshold } of course.losses)
      lab.expect(near(threshold / flight, 0.7), `a loss with ${flight} segments on their way: ssthresh ${threshold}, seven tenths of them`)
  },
  bbr(lab, course) {
    checkRecoveries(lab, course)
    lab.expect(
      course.losses.every(({ before, after }) => after >= 0.8 * before),
      `its window before and after each loss: ${course.losses.map(({ before, after }) => `${before} and ${after}`).join(', ')}: it goes by rate and round trip`,
    )
  },
}
