/** The matrix: which verdicts stand out, and the story of a cell. */
import { SYMBOLS, VERDICTS } from '../matrix-words.js'

const { cells, host } = JSON.parse(document.getElementById('matrix-data').textContent)

function startCells(dialog) {
  for (const button of document.querySelectorAll('[data-cell]'))
    button.addEventListener('click', () => {
      tell(dialog, cells[button.dataset.cell], host)
      dialog.showModal()
      dialog.scrollTop = 0
    })
  // A click beside the dialog is one on its backdrop, which belongs to it.
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close())
}

function startVerdicts(form, table) {
  form.addEventListener('change', () => {
    for (const { value, checked } of form.elements) table.classList.toggle(`without-${value}`, !checked)
  })
}

function element(name, text, className) {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  if (className !== undefined) made.className = className
  return made
}

/** Prediction, action, observation, citation. */
function tell(dialog, cell, host) {
  const { property, title, subject, adapter, prediction, steps, observation, verdict, reason, ms } = cell
  const heading = element('h3', `${property} ${title}`)
  heading.id = 'cell-title'
  const close = element('button', 'Close')
  close.type = 'button'
  close.addEventListener('click', () => dialog.close())
  const facts = element('dl')
  const fact = (name, ...content) => {
    const row = element('div')
    const told = element('dd')
    told.append(...content)
    row.append(element('dt', name), told)
    facts.append(row)
  }
  fact('Prediction', element('b', prediction.value), ...(prediction.detail === '' ? [] : [element('p', prediction.detail, 'soft')]))
  if (steps.length > 0) fact('Experiment', storyOf(steps))
  if (observation !== undefined && verdict !== 'not-applicable')
    fact('Observation', element('b', observation.value), ...figuresOf(observation.figures))
  fact('Verdict', element('b', `${SYMBOLS[verdict]} ${VERDICTS[verdict]}`, verdict), ...(reason === undefined ? [] : [`: ${reason}`]))
  if (prediction.cite !== '') fact('Source', prediction.cite)
  fact('Seen on', `${host.kernel}${steps.length > 0 ? `, in ${ms} ms` : ''}`)
  fact('Again', element('code', `make cell P=${property} M=${subject}`))
  const head = element('header')
  head.append(heading, close)
  dialog.replaceChildren(head, element('p', adapter, 'soft'), facts)
}

const figuresOf = (figures = {}) => Object.entries(figures).map(([name, value]) => element('p', `${name}: ${value}`, 'soft'))

function storyOf(steps) {
  const list = element('ol', undefined, 'steps')
  for (const { kind, role, pid, text } of steps) {
    const step = element('li', undefined, kind)
    if (role !== undefined) step.append(element('i', `${role} ${pid} `))
    step.append(text)
    list.append(step)
  }
  return list
}

startVerdicts(document.getElementById('verdicts'), document.querySelector('table.matrix'))
startCells(document.getElementById('cell'))
