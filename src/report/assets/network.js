/** The network lab: its plots, each drawn when its story is opened. Chart.js stands before this script. */
import { formatNumber } from '../format.js'
import { HUES, legend, linearAxis, logAxis, narrow, variable } from './axes.js'

const { plots } = JSON.parse(document.getElementById('network-data').textContent)

/** What differs by more than so many times cannot be seen on one linear axis. */
const LOG_FROM = 30
const HEIGHT = 320

const titled = (text) => ({ display: true, text, color: variable('--soft') })

const axisOf = (values, title) => {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const axis = low > 0 && high > LOG_FROM * low ? logAxis(values) : linearAxis()
  return { type: 'linear', ...axis, title: titled(title) }
}

const timeAxis = (title) => {
  const axis = linearAxis()
  return { type: 'linear', ...axis, ticks: { ...axis.ticks, callback: (ms) => ms.toLocaleString('en') }, title: titled(title) }
}

/** A bound has the colour of what it bounds: the line whose name ends its own. */
const colourOf = (line, lines) => {
  const own = lines.filter(({ dashed }) => !dashed)
  const at = line.dashed ? own.findIndex(({ label }) => line.label.endsWith(label)) : own.indexOf(line)
  return variable(`--hue-${Math.max(0, at) % HUES}`)
}

/** Where a line was stopped. */
const isEnd = ({ end, points }, at) => end !== undefined && at === points.length - 1

function datasetsOf({ lines, steps }) {
  const toPoint = ([x, y]) => ({ x, y })
  const drawn = lines.map((line) => {
    const colour = colourOf(line, lines)
    return {
      label: line.label,
      data: line.points.map(toPoint),
      borderColor: colour,
      backgroundColor: colour,
      borderWidth: line.dashed ? 1.4 : 2,
      borderDash: line.dashed ? [5, 4] : [],
      stepped: steps ? 'before' : false,
      pointRadius: steps || line.points.length > 60 ? 0 : line.points.map((_, at) => (isEnd(line, at) ? 9 : 4)),
      pointStyle: steps ? 'line' : line.points.map((_, at) => (isEnd(line, at) ? 'crossRot' : 'circle')),
      pointBorderWidth: 2,
      end: line.end,
      pointHoverRadius: 5,
    }
  })
  const losses = lines.flatMap(({ losses }) => losses.map(toPoint))
  if (losses.length === 0) return drawn
  const lost = {
    label: losses.length === 1 ? 'packet lost' : 'packets lost',
    data: losses,
    showLine: false,
    pointStyle: 'crossRot',
    pointRadius: 6,
    pointHoverRadius: 8,
    borderWidth: 2,
    borderColor: variable('--bad'),
    backgroundColor: variable('--bad'),
  }
  return [lost, ...drawn]
}

function draw(canvas) {
  Chart.getChart(canvas)?.destroy()
  const plot = plots[canvas.dataset.plot]
  const points = plot.lines.flatMap(({ points }) => points)
  canvas.parentElement.style.height = `${HEIGHT}px`
  new Chart(canvas, {
    type: 'line',
    data: { datasets: datasetsOf(plot) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: plot.steps
          ? timeAxis(plot.over)
          : axisOf(
              points.map(([x]) => x),
              plot.over,
            ),
        y: axisOf(
          points.map(([, y]) => y),
          plot.title,
        ),
      },
      plugins: {
        legend: { ...legend(), display: plot.lines.length > 1 || datasetsOf(plot).length > 1 },
        tooltip: {
          bodyFont: { size: narrow.matches ? 11 : 12 },
          callbacks: {
            title: ([item]) => (item === undefined ? '' : `${formatNumber(item.parsed.x)} ${plot.over}`),
            label: ({ dataset, dataIndex, parsed }) => [
              `${dataset.label}: ${formatNumber(parsed.y)}`,
              ...(dataset.end !== undefined && dataIndex === dataset.data.length - 1 ? [`stopped: ${dataset.end}`] : []),
            ],
          },
        },
      },
    },
  })
}

const drawIn = (story) => {
  for (const canvas of story.querySelectorAll('canvas[data-plot]')) if (canvas.offsetParent !== null) draw(canvas)
}
const drawAll = () => {
  for (const story of stories) if (story.open) drawIn(story)
}

const stories = document.querySelectorAll('details.lab')
Chart.defaults.font.family = 'system-ui, sans-serif'
for (const story of stories) story.addEventListener('toggle', () => story.open && drawIn(story))
for (const query of ['(prefers-color-scheme: dark)', '(max-width: 720px)']) matchMedia(query).addEventListener('change', drawAll)
// The other pages of this file hide this one until the address asks for it.
addEventListener('hashchange', drawAll)
drawAll()
