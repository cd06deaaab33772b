/** What every chart of the page has in common: colours, axes, the legend. */
import { formatCount } from '../format.js'

export const narrow = matchMedia('(max-width: 720px)')

export const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
export const HUES = 8

/** Few enough lines that each has room for its number. */
const roundAlone = (decades) => (axis) => {
  const digits = decades > 2.5 ? [1] : decades > 0.8 || narrow.matches ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]
  const isRound = (value) => {
    const mantissa = value / 10 ** Math.floor(Math.log10(value) + 1e-9)
    return digits.some((digit) => Math.abs(mantissa - digit) < 1e-6)
  }
  axis.ticks = axis.ticks.filter(({ value }) => isRound(value))
}
const formatTick = (value) => (value >= 1000 ? formatCount(value).replace(/\.0+(?= )/, '') : String(Number(value.toPrecision(3))))

export function logAxis(values, { title, ticks = {}, ...rest } = {}) {
  const low = Math.min(...values)
  const high = Math.max(...values)
  return {
    type: 'logarithmic',
    min: low / 1.15,
    max: high * 1.15,
    title: { display: title !== undefined, text: title, color: variable('--soft') },
    grid: { color: variable('--grid') },
    border: { display: false },
    ticks: {
      color: variable('--soft'),
      maxRotation: 0,
      autoSkipPadding: 12,
      callback: formatTick,
      ...ticks,
    },
    afterBuildTicks: roundAlone(Math.log10(high / low)),
    ...rest,
  }
}

export const linearAxis = () => ({
  beginAtZero: true,
  grid: { color: variable('--grid') },
  border: { display: false },
  ticks: { color: variable('--soft'), maxRotation: 0, includeBounds: false, callback: formatTick },
})

export const legend = () => ({
  display: true,
  position: 'bottom',
  labels: {
    color: variable('--ink'),
    usePointStyle: true,
    boxWidth: 7,
    boxHeight: 7,
    padding: 12,
    font: { size: narrow.matches ? 11 : 12 },
  },
})
