/** Brings the page to life: filters, charts, chooser, and the marks of the conformance table. */
import { PLACEMENT, WAIT } from '../format.js'
import { startCharts } from './charts.js'
import { startChooser } from './chooser.js'
import { startFilters } from './filters.js'

const report = JSON.parse(document.getElementById('report').textContent)

function startRecords({ records }) {
  const drawCharts = startCharts(records)
  const rows = [...document.querySelectorAll('tr[data-record]')]
  const sections = [...document.querySelectorAll('section.records')]
  const setting = document.getElementById('setting')
  let shown = []
  startFilters(records, ({ placement, wait, shows, hasMechanism }) => {
    const fits = records.map(shows)
    for (const row of rows) row.hidden = !fits[row.dataset.record]
    for (const section of sections) {
      const some = section.querySelector('tr[data-record]:not([hidden])') !== null
      section.querySelector('.scroll').hidden = !some
      section.querySelector('.none').hidden = some
    }
    for (const row of document.querySelectorAll('#conformance tr[data-mechanism]')) row.hidden = !hasMechanism(row.dataset.mechanism)
    shown = records.filter((record, i) => fits[i] && record.status === 'measured')
    drawCharts(shown)
    const several = [placement, wait].includes('all')
    setting.textContent =
      shown.length === 0
        ? 'Nothing was measured with these filters.'
        : `${shown.length} of ${records.length} records: ${PLACEMENT[placement] ?? 'every placement'}, ${WAIT[wait] ?? 'every wait mode'}. ${several ? 'Do not rank what differs in placement or wait mode; each name says its own. ' : ''}Charts that are not about sizes show the smallest payload.`
  })
  for (const query of ['(prefers-color-scheme: dark)', '(max-width: 720px)'])
    matchMedia(query).addEventListener('change', () => drawCharts(shown))
}

/** A mark tells its cases. */
function startMarks() {
  const why = document.getElementById('why')
  for (const mark of document.querySelectorAll('.mark button'))
    mark.addEventListener('click', () => {
      const shown = mark.classList.contains('chosen')
      document.querySelector('.mark .chosen')?.classList.remove('chosen')
      mark.classList.toggle('chosen', !shown)
      why.hidden = shown
      why.textContent = shown ? '' : mark.title
    })
}

if (report.records.length > 0) startRecords(report)
startChooser(report)
startMarks()
