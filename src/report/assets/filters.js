/** What is shown: mechanism, placement, wait mode and size, for every chart and table at once. */
import { floorOf } from '../figures.js'
import { formatSizeClass, PLACEMENT, sizeClass, WAIT } from '../format.js'

const ALL = 'all'

/** A group of radio buttons or checkboxes under a heading. */
export function choices(form, { name, title, type, options, chosen }) {
  const group = document.createElement('fieldset')
  const legend = document.createElement('legend')
  legend.textContent = title
  group.append(legend)
  for (const [value, text] of options) {
    const label = document.createElement('label')
    const input = document.createElement('input')
    Object.assign(input, { type, name, value, checked: chosen.includes(String(value)) })
    const span = document.createElement('span')
    span.textContent = text
    label.append(input, span)
    group.append(label)
  }
  form.append(group)
  return group
}

/** The conditions under which the most stand beside C, else the most were measured: rows of others do not compare with them. */
function mostTelling(records) {
  const settings = new Map()
  for (const record of records) {
    if (record.workload !== 'round-trip' || record.status !== 'measured') continue
    const setting = `${record.placement} ${record.wait}`
    const { besideC, adapters } = settings.get(setting) ?? { besideC: new Set(), adapters: new Set() }
    if (floorOf(record) !== undefined) besideC.add(record.adapter)
    settings.set(setting, { besideC, adapters: adapters.add(record.adapter) })
  }
  const [best] = [...settings].sort(([, a], [, b]) => b.besideC.size - a.besideC.size || b.adapters.size - a.adapters.size)
  return best === undefined ? [ALL, ALL] : best[0].split(' ')
}

/** Calls `onChange` with a predicate on conditions, now and whenever the reader chooses otherwise. */
export function startFilters(records, onChange) {
  const form = document.getElementById('filters')
  const mechanisms = [...new Set(records.map(({ mechanism }) => mechanism))].sort()
  const present = (titles, key) => [
    [ALL, 'all'],
    ...Object.entries(titles).filter(([value]) => records.some((record) => record[key] === value)),
  ]
  const sizes = [...new Set(records.map(({ payloadBytes }) => sizeClass(payloadBytes)))].sort((a, b) => a - b)
  const [placement, wait] = mostTelling(records)
  choices(form, {
    name: 'placement',
    title: 'Placement',
    type: 'radio',
    options: present(PLACEMENT, 'placement'),
    chosen: [placement],
  })
  choices(form, { name: 'wait', title: 'Wait mode', type: 'radio', options: present(WAIT, 'wait'), chosen: [wait] })
  choices(form, {
    name: 'size',
    title: 'Payload',
    type: 'radio',
    options: [[ALL, 'all'], ...sizes.map((size) => [size, formatSizeClass(size)])],
    chosen: [ALL],
  })
  const group = choices(form, {
    name: 'mechanism',
    title: 'Mechanism',
    type: 'checkbox',
    options: mechanisms.map((name) => [name, name === 'peer' ? 'peers' : name]),
    chosen: mechanisms,
  })
  const toggle = document.createElement('button')
  toggle.type = 'button'
  group.append(toggle)
  const boxes = [...group.querySelectorAll('input')]
  const everything = document.createElement('button')
  everything.type = 'button'
  everything.id = 'everything'
  everything.textContent = 'Show every record'
  form.append(everything)

  const apply = () => {
    const data = new FormData(form)
    const chosen = Object.fromEntries(['placement', 'wait', 'size'].map((name) => [name, data.get(name)]))
    const among = new Set(data.getAll('mechanism'))
    toggle.textContent = boxes.every((box) => box.checked) ? 'none' : 'all'
    const fits = (name, value) => chosen[name] === ALL || chosen[name] === String(value)
    onChange({
      ...chosen,
      hasMechanism: (mechanism) => !mechanisms.includes(mechanism) || among.has(mechanism),
      shows: (record) =>
        among.has(record.mechanism) &&
        fits('placement', record.placement) &&
        fits('wait', record.wait) &&
        fits('size', sizeClass(record.payloadBytes)),
    })
  }
  toggle.addEventListener('click', () => {
    const all = boxes.every((box) => box.checked)
    for (const box of boxes) box.checked = !all
    apply()
  })
  everything.addEventListener('click', () => {
    for (const radio of form.querySelectorAll(`input[value="${ALL}"]`)) radio.checked = true
    for (const box of boxes) box.checked = true
    apply()
  })
  form.addEventListener('change', apply)
  form.addEventListener('submit', (event) => event.preventDefault())
  form.hidden = false
  apply()
}
