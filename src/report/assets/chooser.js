/** Asks what is needed, and answers from the report. */
import { choose } from '../choose.js'
import { formatBytes } from '../format.js'
import { choices } from './filters.js'

const SIZES = [0, 64, 1024, 4096, 65_536, 1 << 20, 1 << 24]

const QUESTIONS = [
  { name: 'kind', title: 'What flows', chosen: 'message', options: { message: 'messages', stream: 'a byte stream' } },
  {
    name: 'payloadBytes',
    title: 'How large',
    chosen: '64',
    options: Object.fromEntries(SIZES.map((size) => [size, size === 0 ? 'nothing, an event' : formatBytes(size)])),
  },
  { name: 'hosts', title: 'Where', chosen: 'one', options: { one: 'one host', many: 'several hosts' } },
  { name: 'senders', title: 'Senders', chosen: 'one', options: { one: 'one', many: 'many' } },
  { name: 'survivesCrash', title: 'A peer is killed', chosen: 'yes', options: { yes: 'must be survived', no: 'does not matter' } },
  { name: 'spin', title: 'CPU while waiting', chosen: 'no', options: { no: 'none', yes: 'may spin' } },
]

function element(name, text, ...children) {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  made.append(...children)
  return made
}

const behind = ({ behind: times }) =>
  times === undefined ? '' : times < 1.05 ? ', about as fast' : `, ${times.toFixed(times < 10 ? 1 : 0)} times slower`

const why = ({ reasons, cautions }) => [...reasons, ...cautions.map((caution) => `mind: ${caution}`)]

function show({ taken, others, rejected, criterion }) {
  const answer = document.getElementById('answer')
  if (taken.length === 0) answer.replaceChildren(element('p', 'None does all of this.'))
  else {
    const list = element('ol')
    for (const candidate of taken) {
      const reasons = element('ul')
      for (const reason of candidate.reasons) reasons.append(element('li', reason))
      for (const caution of candidate.cautions) {
        const item = element('li', `mind: ${caution}`)
        item.className = 'caution'
        reasons.append(item)
      }
      const item = element('li', undefined, element('b', candidate.adapter), behind(candidate), reasons)
      item.dataset.adapter = candidate.adapter
      list.append(item)
    }
    answer.replaceChildren(element('p', `First what has least to mind, then by ${criterion}.`), list)
  }
  const rest = element('ul')
  for (const candidate of others)
    rest.append(
      element('li', undefined, element('b', candidate.adapter), ` fits, but later${behind(candidate)}: ${why(candidate).join('; ')}`),
    )
  for (const { adapter, reasons } of rejected) rest.append(element('li', undefined, element('b', adapter), ` ${reasons.join('; ')}`))
  if (rest.childElementCount > 0) {
    rest.className = 'notes'
    answer.append(element('details', undefined, element('summary', `Why not the other ${rest.childElementCount}`), rest))
  }
}

export function startChooser(report) {
  const section = document.getElementById('chooser')
  if (section === null) return
  const form = document.getElementById('needs')
  for (const { name, title, chosen, options } of QUESTIONS)
    choices(form, { name, title, type: 'radio', options: Object.entries(options), chosen: [chosen] })
  const answer = () => {
    const { payloadBytes, survivesCrash, spin, ...rest } = Object.fromEntries(new FormData(form))
    show(choose({ ...rest, payloadBytes: Number(payloadBytes), survivesCrash: survivesCrash === 'yes', spin: spin === 'yes' }, report))
  }
  form.addEventListener('change', answer)
  form.addEventListener('submit', (event) => event.preventDefault())
  section.hidden = false
  answer()
}
