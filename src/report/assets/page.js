// Draws the charts from the data that the page embeds. Chart.js stands before this script.
;(() => {
  const groups = JSON.parse(document.getElementById('charts').textContent)
  const mechanisms = [...new Set(groups.flat().map((row) => row.mechanism))].sort()
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const narrow = matchMedia('(max-width: 720px)')
  const BAR = 28
  const FRAME = 56

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const colorOf = (row) => variable(`--hue-${mechanisms.indexOf(row.mechanism) % 8}`)
  const faded = (color, percent) => {
    const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
    return `rgba(${channels.join(', ')}, ${percent / 100})`
  }
  const three = (value) => Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 })
  const short = (value) => Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value)

  /** One bar inside the other: the median is the thickest. */
  const percentiles = [
    { name: 'p50', title: 'p50', thickness: 0.78, percent: 100 },
    { name: 'p99', title: 'p99', thickness: 0.5, percent: 45 },
    { name: 'p999', title: 'p99.9', thickness: 0.24, percent: 30 },
  ]

  const kinds = {
    rtt: {
      has: (row) => row.rtt !== undefined,
      datasets: (rows) =>
        percentiles.map(({ name, title, thickness, percent }, order) => ({
          label: title,
          order,
          grouped: false,
          barPercentage: thickness,
          categoryPercentage: 1,
          borderRadius: 3,
          data: rows.map((row) => row.rtt[name]),
          backgroundColor: rows.map((row) => faded(colorOf(row), percent)),
        })),
      sort: (a, b) => a.rtt.p50 - b.rtt.p50,
      scale: 'logarithmic',
      label: (item) => `${item.dataset.label}: ${three(item.raw)} µs`,
      least: (row) => row.rtt.p50,
      most: (row) => row.rtt.p999,
    },
    rate: simple('rate', 'messages/s', 'logarithmic'),
    bulk: simple('bulk', 'GB/s', 'linear'),
  }

  function simple(name, unit, scale) {
    return {
      has: (row) => row[name] !== undefined,
      datasets: (rows) => [
        {
          label: unit,
          barPercentage: 0.72,
          categoryPercentage: 1,
          borderRadius: 3,
          data: rows.map((row) => row[name]),
          backgroundColor: rows.map(colorOf),
        },
      ],
      sort: (a, b) => b[name] - a[name],
      scale,
      label: (item) => `${three(item.raw)} ${unit}`,
      least: (row) => row[name],
      most: (row) => row[name],
    }
  }

  function draw(canvas) {
    const kind = kinds[canvas.dataset.chart]
    const rows = groups[canvas.dataset.group].filter(kind.has).sort(kind.sort)
    const box = canvas.parentElement
    if (rows.length === 0) {
      canvas.closest('figure').hidden = true
      return undefined
    }
    box.style.height = `${rows.length * BAR + FRAME}px`
    // A bar on a log scale has no natural foot: half of the least, on a round number.
    const foot = 10 ** Math.floor(Math.log10(Math.min(...rows.map(kind.least)) / 2))
    const soft = variable('--soft')
    return new Chart(canvas, {
      type: 'bar',
      data: { labels: rows.map((row) => row.adapter), datasets: kind.datasets(rows) },
      options: {
        indexAxis: 'y',
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: 'index', axis: 'y', intersect: false },
        font: { family: 'system-ui, sans-serif' },
        scales: {
          x: {
            type: kind.scale,
            ...(kind.scale === 'logarithmic' ? { min: foot } : { beginAtZero: true }),
            max: kind.scale === 'logarithmic' ? Math.max(...rows.map(kind.most)) * 1.15 : undefined,
            grid: { color: variable('--grid') },
            border: { display: false },
            ticks: {
              color: soft,
              maxRotation: 0,
              autoSkipPadding: 12,
              // Powers of ten alone; the lines between them need no number.
              callback: (value) =>
                kind.scale !== 'logarithmic' ? short(value) : Math.abs(Math.log10(value) % 1) < 1e-9 ? short(value) : null,
            },
          },
          y: {
            grid: { display: false },
            border: { color: variable('--line') },
            ticks: { color: variable('--ink'), autoSkip: false, font: { size: narrow.matches ? 11 : 13 } },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            callbacks: {
              title: ([item]) => `${item.label}, ${canvas.dataset.chart === 'bulk' ? '64 KiB' : rows[item.dataIndex].payload}`,
              label: kind.label,
            },
          },
        },
      },
    })
  }

  let drawn = []
  function drawAll() {
    for (const chart of drawn) chart?.destroy()
    Chart.defaults.font.family = 'system-ui, sans-serif'
    drawn = [...document.querySelectorAll('canvas[data-chart]')].map(draw)
  }
  dark.addEventListener('change', drawAll)
  narrow.addEventListener('change', drawAll)
  drawAll()

  // A mark tells its cases.
  const why = document.getElementById('why')
  for (const mark of document.querySelectorAll('.mark button'))
    mark.addEventListener('click', () => {
      const shown = mark.classList.contains('chosen')
      document.querySelector('.mark .chosen')?.classList.remove('chosen')
      mark.classList.toggle('chosen', !shown)
      why.hidden = shown
      why.textContent = shown ? '' : mark.title
    })
})()
