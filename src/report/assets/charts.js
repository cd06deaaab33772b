/** The charts, drawn of the records that the filters leave. Chart.js stands before this script. */
import { describe, figureOf, floorOf } from '../figures.js'
import { formatBytes, formatNumber, settingOf, sizeClass } from '../format.js'
import { HUES, legend, linearAxis, logAxis, narrow, variable } from './axes.js'

const BAR = 34
const FRAME = 64
/** Bars that differ by more than so many times stand on a log scale: the short ones could not be seen. */
const LOG_FROM = 12

/** Adapters of one mechanism share a colour and differ in their points. */
const POINTS = ['circle', 'triangle', 'rect', 'rectRot', 'star', 'crossRot', 'rectRounded']
const WAIT_POINTS = { block: 'circle', poll: 'triangle', adaptive: 'rectRot', spin: 'star' }

/** Everything is coloured by its place among all records, so that a filter changes no colour. */
function painter(records) {
  const mechanisms = [...new Set(records.map(({ mechanism }) => mechanism).filter((name) => name !== 'peer'))].sort()
  const adapters = new Map()
  for (const { adapter, mechanism } of records) adapters.set(mechanism, (adapters.get(mechanism) ?? new Set()).add(adapter))
  return {
    color: ({ mechanism }) => variable(mechanism === 'peer' ? '--peer' : `--hue-${mechanisms.indexOf(mechanism) % HUES}`),
    point: ({ adapter, mechanism }) => POINTS[[...adapters.get(mechanism)].indexOf(adapter) % POINTS.length],
  }
}

const faded = (color, percent) => {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
  return `rgba(${channels.join(', ')}, ${percent / 100})`
}

/** Those of the smallest payload: what is larger takes longer and is not to be ranked with them. */
function smallest(records) {
  const least = Math.min(...records.map(({ payloadBytes }) => sizeClass(payloadBytes)))
  return records.filter(({ payloadBytes }) => sizeClass(payloadBytes) === least)
}

const OWN_CHART = new Set(['round-trip', 'throughput'])

/** Names that tell these records apart; in two lines where there is little room. */
function namesOf(records) {
  const settings = new Set(records.map(settingOf)).size > 1
  const sizes = records.some((one) => records.some((other) => one.adapter === other.adapter && one.payloadBytes !== other.payloadBytes))
  const workloads = new Set(records.map(({ workload }) => workload)).size > 1
  return (record) => {
    const { adapter, payloadBytes, workload, senders } = record
    const rest = [
      ...(workloads && !OWN_CHART.has(workload)
        ? [workload === 'fan-in' ? `${senders} ${senders === 1 ? 'sender' : 'senders'}` : workload.replace('-', ' ')]
        : []),
      ...(sizes ? [formatBytes(payloadBytes)] : []),
      ...(settings ? [settingOf(record)] : []),
    ]
    return narrow.matches && rest.length > 0 ? [adapter, rest.join(' · ')] : [adapter, ...rest].join(' · ')
  }
}

const categories = () => ({
  grid: { display: false },
  border: { color: variable('--line') },
  ticks: { color: variable('--ink'), autoSkip: false, font: { size: narrow.matches ? 11 : 13 } },
})

/** Bars of the records, each with C's beside it. */
function bars(records, paint, { unit, floorFigure, sort }) {
  const rows = smallest(records).sort(sort)
  const name = namesOf(rows)
  const floors = rows.map((record) => {
    const floor = floorOf(record)
    return floor === undefined ? null : floorFigure(floor)
  })
  const hasFloors = floors.some((value) => value !== null)
  const values = [...rows.map(figureOf), ...floors.filter((value) => value !== null)]
  // A bar on a log scale has no natural foot: half of the least, on a round number.
  const foot = 10 ** Math.floor(Math.log10(Math.min(...values) / 2))
  const far = Math.max(...values) > LOG_FROM * Math.min(...values)
  return {
    height: rows.length * BAR + FRAME,
    config: {
      type: 'bar',
      data: {
        labels: rows.map(name),
        datasets: [
          {
            label: unit,
            records: rows,
            data: rows.map(figureOf),
            backgroundColor: rows.map(paint.color),
            borderRadius: 3,
            barPercentage: 0.9,
            categoryPercentage: 0.82,
          },
          ...(hasFloors
            ? [
                {
                  label: 'the same in C',
                  records: rows,
                  data: floors,
                  backgroundColor: faded(variable('--floor'), 55),
                  borderRadius: 3,
                  barPercentage: 0.9,
                  categoryPercentage: 0.82,
                },
              ]
            : []),
        ],
      },
      options: {
        indexAxis: 'y',
        interaction: { mode: 'index', axis: 'y', intersect: false },
        scales: { x: far ? logAxis(values, { min: foot, title: 'log scale' }) : linearAxis(), y: categories() },
        plugins: { legend: { display: false } },
      },
    },
  }
}

/** The interval as a bar, the figure as a point in it. */
function ratios(records, paint, better) {
  const rows = records
    .filter((record) => floorOf(record) !== undefined)
    .sort((a, b) => better * (floorOf(a).ratio.value - floorOf(b).ratio.value))
  const name = namesOf(rows)
  const each = rows.map((record) => floorOf(record).ratio)
  const all = [1, ...each.flatMap(({ low, high }) => [low, high])]
  const one = (context, strong, weak) => (Math.abs(context.tick?.value - 1) < 1e-9 ? strong : weak)
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const axis = high > 5 * low ? logAxis(all) : { ...linearAxis(), beginAtZero: false, min: 0.95 * low, max: 1.05 * high }
  return {
    height: rows.length * (narrow.matches ? 32 : 24) + FRAME,
    config: {
      type: 'bar',
      data: {
        labels: rows.map(name),
        datasets: [
          {
            type: 'line',
            indexAxis: 'y',
            label: 'ratio',
            records: rows,
            data: each.map(({ value }) => value),
            showLine: false,
            pointRadius: 5,
            pointHoverRadius: 7,
            pointBackgroundColor: rows.map(paint.color),
            pointBorderColor: variable('--card'),
          },
          {
            label: '95 % interval',
            records: rows,
            data: each.map(({ low, high }) => [low, high]),
            backgroundColor: rows.map((record) => faded(paint.color(record), 45)),
            barThickness: 7,
            borderRadius: 3,
          },
        ],
      },
      options: {
        indexAxis: 'y',
        interaction: { mode: 'index', axis: 'y', intersect: false },
        scales: {
          x: {
            ...axis,
            grid: {
              color: (context) => one(context, variable('--ink'), variable('--grid')),
              lineWidth: (context) => one(context, 1.5, 1),
            },
          },
          y: categories(),
        },
        plugins: { legend: { display: false } },
      },
    },
  }
}

/** As HDR histograms are drawn: each nine of the percentile takes as much room. */
const PERCENTILE_TICKS = new Map([
  [1, '0 %'],
  [2, '50 %'],
  [10, '90 %'],
  [100, '99 %'],
  [1000, '99.9 %'],
  [10_000, '99.99 %'],
  [100_000, '99.999 %'],
  [1_000_000, '99.9999 %'],
])

function curveOf({ timesUs, samples }) {
  const { p50, p99, p999, max, curve } = timesUs
  const points = curve ?? [
    [50, p50],
    [99, p99],
    [99.9, p999],
    [100, max],
  ]
  return points
    .filter(([, us]) => us > 0)
    .map(([percentile, us]) => ({ x: Math.min(samples, 1 / (1 - percentile / 100)), y: us, percentile }))
}

/** More lines than can be told apart: the rest waits in the legend. */
const MOST_LINES = 12
const LINES_OF_MECHANISM = 2

function percentiles(records, paint) {
  const rows = smallest(records).sort((a, b) => a.timesUs.p50 - b.timesUs.p50)
  const name = namesOf(rows)
  const isLeading = (record) => rows.filter(({ mechanism }) => mechanism === record.mechanism).indexOf(record) < LINES_OF_MECHANISM
  const datasets = rows
    .map((record) => ({
      label: String(name(record)),
      records: curveOf(record).map(() => record),
      data: curveOf(record),
      hidden: rows.length > MOST_LINES && !isLeading(record),
      borderColor: paint.color(record),
      backgroundColor: paint.color(record),
      borderWidth: 1.8,
      borderDash: record.mechanism === 'peer' ? [6, 4] : [],
      pointStyle: paint.point(record),
      pointRadius: 2.5,
      pointHoverRadius: 6,
      cubicInterpolationMode: 'monotone',
    }))
    .sort((a, b) => a.hidden - b.hidden)
  const points = datasets.flatMap(({ data }) => data)
  return {
    height: 400 + legendHeight(datasets),
    config: {
      type: 'line',
      data: { datasets },
      options: {
        interaction: { mode: 'nearest', intersect: false },
        scales: {
          x: {
            ...logAxis(
              points.map(({ x }) => x),
              { min: 1, title: 'of all so many take no longer' },
            ),
            afterBuildTicks: (axis) => {
              axis.ticks = [...PERCENTILE_TICKS.keys()]
                .filter((value) => value <= axis.max && !(narrow.matches && value === 2))
                .map((value) => ({ value }))
            },
            ticks: { color: variable('--soft'), maxRotation: 0, autoSkip: false, callback: (value) => PERCENTILE_TICKS.get(value) },
          },
          // As far as the lines that are shown.
          y: logAxis(
            points.map(({ y }) => y),
            { title: 'µs', min: undefined, max: undefined },
          ),
        },
        plugins: { legend: legend() },
      },
      point: ({ raw }) => `${Number(raw.percentile.toFixed(5))} %: ${formatNumber(raw.y)} µs`,
    },
  }
}

/** Rows of about so many names. */
const legendHeight = (datasets) => Math.ceil(datasets.length / (narrow.matches ? 2 : 6)) * 24

/** Lines over a quantity, dashed for C. */
function lines(records, paint, { x, y, floorY, xAxis, title }) {
  const series = new Map()
  const key = ({ adapter, placement, wait, ...rest }) =>
    [adapter, placement, wait, ...(rest.workload === 'fan-in' ? [rest.payloadBytes] : [])].join(' ')
  for (const record of [...records].sort((a, b) => x(a) - x(b))) series.set(key(record), [...(series.get(key(record)) ?? []), record])
  const firsts = [...series.values()].map(([first]) => first)
  const name = namesOf(firsts)
  const datasets = [...series.values()].flatMap((own) => {
    const look = {
      borderColor: paint.color(own[0]),
      backgroundColor: paint.color(own[0]),
      borderWidth: 2,
      pointStyle: paint.point(own[0]),
      pointRadius: 4,
      pointHoverRadius: 7,
    }
    const floors = own.filter((record) => floorOf(record) !== undefined && floorY(floorOf(record)) > 0)
    return [
      { ...look, label: String(name(own[0])), records: own, data: own.map((record) => ({ x: x(record), y: y(record) })) },
      ...(floors.length === 0
        ? []
        : [
            {
              ...look,
              label: `${name(own[0])} in C`,
              ofC: true,
              records: floors,
              data: floors.map((record) => ({ x: x(record), y: floorY(floorOf(record)) })),
              borderDash: [3, 4],
              borderWidth: 1.2,
              pointRadius: 0,
            },
          ]),
    ]
  })
  const ys = datasets.flatMap(({ data }) => data.map((point) => point.y))
  return {
    height: 320 + legendHeight(firsts),
    config: {
      type: 'line',
      data: { datasets },
      options: {
        interaction: { mode: 'nearest', intersect: false },
        scales: { x: xAxis(records.map(x)), y: logAxis(ys, { title }) },
        plugins: { legend: { ...legend(), labels: { ...legend().labels, filter: (item, data) => !data.datasets[item.datasetIndex].ofC } } },
      },
    },
  }
}

const only = (values, axis, format) => ({
  ...axis,
  afterBuildTicks: (scale) => {
    scale.ticks = [...new Set(values)].sort((a, b) => a - b).map((value) => ({ value }))
  },
  ticks: { ...axis.ticks, autoSkip: true, callback: format },
})

/** One point a record, hollow for C. */
function costs(records, paint) {
  const rows = smallest(records)
  const point = (figures) => ({ x: figures.timesUs.p50, y: figures.cpuUsPerMessage })
  const has = (figures) => figures?.timesUs !== undefined && figures.cpuUsPerMessage > 0
  const floors = rows.filter((record) => has(floorOf(record)))
  const all = [...rows.map(point), ...floors.map((record) => point(floorOf(record)))]
  const look = (own) => ({
    records: own,
    pointStyle: own.map(({ wait }) => WAIT_POINTS[wait]),
    borderColor: own.map(paint.color),
    pointRadius: 6,
    pointHoverRadius: 9,
  })
  return {
    height: 340,
    config: {
      type: 'scatter',
      data: {
        datasets: [
          { label: 'ours', ...look(rows), data: rows.map(point), backgroundColor: rows.map((record) => faded(paint.color(record), 75)) },
          {
            label: 'C',
            ...look(floors),
            data: floors.map((record) => point(floorOf(record))),
            backgroundColor: 'transparent',
            pointRadius: 5,
          },
        ],
      },
      options: {
        interaction: { mode: 'nearest', intersect: false },
        scales: {
          x: logAxis(
            all.map(({ x }) => x),
            { title: 'RTT p50 µs' },
          ),
          y: logAxis(
            all.map(({ y }) => y),
            { title: 'CPU µs a message' },
          ),
        },
        plugins: { legend: { display: false } },
      },
    },
  }
}

const of =
  (...workloads) =>
  (record) =>
    workloads.includes(record.workload) && figureOf(record) > 0
const faster = (a, b) => figureOf(a) - figureOf(b)
const p50 = ({ timesUs }) => timesUs?.p50 ?? null
const rate = ({ messagesPerSecond }) => messagesPerSecond ?? null

const KINDS = {
  rtt: { takes: of('round-trip'), make: (records, paint) => bars(records, paint, { unit: 'µs', floorFigure: p50, sort: faster }) },
  percentiles: { takes: of('round-trip'), make: percentiles },
  ratio: {
    takes: (record) => of('round-trip', 'one-way', 'rendezvous', 'idle')(record) && floorOf(record) !== undefined,
    make: (records, paint) => ratios(records, paint, 1),
  },
  'rate-ratio': {
    takes: (record) => of('throughput', 'fan-in')(record) && floorOf(record) !== undefined,
    make: (records, paint) => ratios(records, paint, -1),
  },
  rate: {
    takes: of('throughput', 'gathered'),
    make: (records, paint) => bars(records, paint, { unit: 'messages/s', floorFigure: rate, sort: (a, b) => faster(b, a) }),
  },
  cost: { takes: (record) => of('round-trip')(record) && record.cpuUsPerMessage > 0, make: costs },
  sizes: {
    takes: (record) => of('throughput')(record) && record.gigabytesPerSecond > 0,
    make: (records, paint) =>
      lines(records, paint, {
        x: ({ payloadBytes }) => payloadBytes,
        y: ({ gigabytesPerSecond }) => gigabytesPerSecond,
        floorY: ({ gigabytesPerSecond }) => gigabytesPerSecond,
        xAxis: (values) => only(values, logAxis(values), formatBytes),
        title: 'GB/s',
      }),
  },
  'fan-in': {
    takes: of('fan-in'),
    make: (records, paint) =>
      lines(records, paint, {
        x: ({ senders }) => senders ?? 1,
        y: rate,
        floorY: rate,
        xAxis: (values) => only(values, logAxis(values, { title: 'senders' }), String),
        title: 'messages/s',
      }),
  },
  'one-way': { takes: of('one-way'), make: percentiles },
  rendezvous: { takes: of('rendezvous'), make: (records, paint) => bars(records, paint, { unit: 'µs', floorFigure: p50, sort: faster }) },
}

const titleLine = ({ adapter, payloadBytes, senders, ...setting }) =>
  `${adapter}, ${formatBytes(payloadBytes)}${senders === undefined ? '' : `, ${senders} senders`}, ${settingOf(setting)}`

/** Text that a tooltip can hold: canvas does not break lines. */
const broken = (text) => text.match(/.{1,64}(?:\s|$)|.{1,64}/g) ?? []

function draw(canvas, records, paint) {
  const kind = KINDS[canvas.dataset.chart]
  const rows = records.filter(kind.takes)
  const figure = canvas.closest('figure')
  figure.hidden = rows.length === 0
  if (rows.length === 0) return undefined
  const { height, config } = kind.make(rows, paint)
  canvas.parentElement.style.height = `${height}px`
  const recordAt = ({ dataset, dataIndex }) => dataset.records[dataIndex]
  const { options, point } = config
  return new Chart(canvas, {
    type: config.type,
    data: config.data,
    options: {
      animation: false,
      maintainAspectRatio: false,
      ...options,
      plugins: {
        ...options.plugins,
        tooltip: {
          displayColors: false,
          bodyFont: { size: narrow.matches ? 11 : 12 },
          titleFont: { size: narrow.matches ? 11 : 12 },
          // Ours and C's stand in one record.
          filter: (_item, at) => at === 0,
          callbacks: {
            title: ([item]) => (item === undefined ? '' : broken(titleLine(recordAt(item)))),
            label: (item) => [...(point === undefined ? [] : [point(item)]), ...describe(recordAt(item)).flatMap(broken)],
          },
        },
      },
    },
  })
}

/** Where the keyboard is in each chart. */
const places = new WeakMap()

/** Arrow keys go from record to record, and say each. */
function onKey(event) {
  const chart = Chart.getChart(event.currentTarget)
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
  if (chart === undefined || (step === undefined && event.key !== 'Escape')) return
  event.preventDefault()
  const stops = chart.data.datasets
    .filter(({ ofC }) => ofC !== true)
    .flatMap((dataset) => dataset.records.map((record, index) => ({ datasetIndex: chart.data.datasets.indexOf(dataset), index, record })))
    .filter(({ record }, i, all) => all.findIndex((other) => other.record === record) === i)
  const at = step === undefined ? -1 : ((places.get(chart) ?? (step > 0 ? -1 : 0)) + step + stops.length) % stops.length
  if (at === -1) places.delete(chart)
  else places.set(chart, at)
  const stop = stops[at]
  const active = stop === undefined ? [] : [{ datasetIndex: stop.datasetIndex, index: stop.index }]
  const place = stop === undefined ? { x: 0, y: 0 } : chart.getDatasetMeta(stop.datasetIndex).data[stop.index].getCenterPoint()
  chart.setActiveElements(active)
  chart.tooltip.setActiveElements(active, place)
  chart.update('none')
  document.getElementById('record').textContent = stop === undefined ? '' : [titleLine(stop.record), ...describe(stop.record)].join('; ')
}

/** Answers what draws these of the records. */
export function startCharts(all) {
  Chart.defaults.font.family = 'system-ui, sans-serif'
  const canvases = [...document.querySelectorAll('canvas[data-chart]')]
  for (const canvas of canvases) canvas.addEventListener('keydown', onKey)
  const paint = painter(all)
  let drawn = []
  return (records) => {
    for (const chart of drawn) chart?.destroy()
    drawn = canvases.map((canvas) => draw(canvas, records, paint))
  }
}
