/** A ladder diagram as a drawing. Its colours are the page's. */
import type { TracedPacket } from '../lab/trace.js'
import { escapeHtml } from './escape.js'
import type { Arrow, Beside, Ladder, Row } from './ladder.js'
import { gapText, numbersOf, remarksOf } from './ladder-words.js'
import { arrow, element, formatTime, line, type Point, text, wrapped } from './svg.js'

const TIMES = 48
/** Room beside the outer lines, for nothing, for states, for messages. */
const [EMPTY, STATES, MESSAGES] = [24, 148, 200]
const BETWEEN = 304
/** Of more than two hosts. */
const BETWEEN_MANY = 230
const HEAD = 44
const ROW = 21
const HEADING_LINE = 18
/** What stands free above a heading, and below it. */
const APART = 14
const BELOW = 5
/** A heading's line has so many characters for each 100 of width. */
const CHARACTERS = 13
/** Of a letter, about. */
const LETTER = 6.2
/** How far aside goes what a host sends to itself. */
const LOOP = 22
/** How much a wait stretches a row. */
const STRETCH = 6
const MOST_STRETCH = 40

export function renderLadder(ladder: Ladder, title: string): string {
  const { hosts, rows, arrows } = ladder
  const between = hosts.length > 2 ? BETWEEN_MANY : BETWEEN
  const room = roomBeside(rows)
  const width = TIMES + 2 * room + between * Math.max(1, hosts.length - 1)
  const lifeline = (host: string): number => TIMES + room + between * hosts.indexOf(host)
  const heights = heightsOf(rows, Math.floor((width / 100) * CHARACTERS))
  const end = (heights.at(-1) ?? HEAD) + ROW
  const at = (row: number): number => heights[row] ?? HEAD
  return element(
    'svg',
    { class: 'ladder', width, height: end, viewBox: `0 0 ${width} ${Math.ceil(end)}`, role: 'img', 'aria-label': title },
    ...hosts.map((host) => line({ x: lifeline(host), y: HEAD - 12 }, { x: lifeline(host), y: end - 8 }, 'lifeline')),
    ...rows.map((row, index) => renderRow(row, at(index), width)),
    ...arrows.map((one) =>
      renderArrow(one, { x: lifeline(one.from), y: at(one.leaves) }, { x: lifeline(one.to), y: at(one.arrives ?? one.leaves) }, width),
    ),
    ...rows.map((row, index) =>
      row.kind === 'moment'
        ? row.beside.map((beside) => renderBeside(beside, { x: lifeline(beside.side), y: at(index) }, hosts)).join('')
        : '',
    ),
    ...hosts.map((host) => text({ x: lifeline(host), y: 22 }, host, 'host', 'middle')),
  )
}

/** The baseline of each row's text. */
function heightsOf(rows: readonly Row[], characters: number): readonly number[] {
  let y = HEAD
  return rows.map((row, index) => {
    const before = rows[index - 1]
    if (row.kind === 'heading') {
      const top = y + HEADING_LINE + APART
      y = top + (wrapped(row.text, characters).length - 1) * HEADING_LINE + BELOW
      return top
    }
    const waited = before?.kind === 'moment' ? Math.max(0, row.t - before.t) : 0
    y += ROW + Math.min(MOST_STRETCH, STRETCH * Math.log2(1 + waited / 2))
    return y
  })
}

function renderRow(row: Row, y: number, width: number): string {
  if (row.kind === 'moment') return text({ x: TIMES - 12, y: y + 4 }, formatTime(row.t), 'time', 'end')
  if (row.kind === 'gap')
    return `${line({ x: 0, y: y - 4 }, { x: width, y: y - 4 }, 'gap')}${text({ x: width / 2, y }, gapText(row), 'gap', 'middle')}`
  const lines = wrapped(row.text, Math.floor((width / 100) * CHARACTERS))
  return lines.map((words, at) => text({ x: 12, y: y + at * HEADING_LINE }, words, 'heading')).join('')
}

function roomBeside(rows: readonly Row[]): number {
  const kinds = new Set(rows.flatMap((row) => (row.kind === 'moment' ? row.beside.map(({ kind }) => kind) : [])))
  return kinds.has('message') ? MESSAGES : kinds.has('state') ? STATES : EMPTY
}

function renderBeside({ side, kind, text, detail, about }: Beside, { x, y }: Point, hosts: readonly string[]): string {
  const isLeft = side === hosts[0]
  return element(
    'g',
    { class: `${kind} side-${hosts.indexOf(side)}` },
    element('title', {}, escapeHtml(about)),
    element('circle', { cx: x, cy: y, r: 4 }),
    element(
      'text',
      { x: isLeft ? x - 12 : x + 12, y: y + 4, 'text-anchor': isLeft ? 'end' : undefined },
      element('tspan', {}, escapeHtml(text)),
      element('tspan', { class: 'detail' }, escapeHtml(` ${detail}`)),
    ),
  )
}

function renderArrow(one: Arrow, from: Point, to: Point, width: number): string {
  const { packet, again, copy } = one
  const name = ['packet', packet.fate, ...(packet.kept ? ['kept'] : []), ...(again ? ['again'] : [])].join(' ')
  const about = element('title', {}, escapeHtml(describe(packet, again)))
  return element('g', { class: name }, about, renderWay(one, from, to), copy ? '' : renderLabel(one, from, to.x >= from.x, width))
}

function renderWay({ packet: { fate, kept }, arrives }: Arrow, from: Point, to: Point): string {
  const middle = { x: (from.x + to.x) / 2, y: from.y + 6 }
  if (arrives === undefined) return `${line(from, middle, 'way')}${fate === 'held' ? waits(middle, middle) : cross(middle)}`
  if (from.x === to.x) {
    const aside = { x: from.x + LOOP, y: (from.y + to.y) / 2 }
    return `${line(from, aside, 'way')}${arrow(aside, to, 'way')}`
  }
  if (kept) {
    const goes = { x: middle.x, y: Math.max(middle.y, to.y - 6) }
    return `${line(from, middle, 'way')}${waits(middle, goes)}${arrow(goes, to, 'way')}`
  }
  const second = fate === 'duplicated' ? arrow({ x: from.x, y: from.y + 5 }, { x: to.x, y: to.y + 5 }, 'way') : ''
  return `${arrow(from, to, 'way')}${second}`
}

/** Above the end where the packet leaves, moved as far as it needs to stay within the drawing. */
function renderLabel({ packet, again }: Arrow, { x, y }: Point, rightwards: boolean, width: number): string {
  const numbers = numbersOf(packet)
  const remarks = remarksOf(packet, again).map((remark) => ` ${remark}`)
  const length = LETTER * [packet.text, numbers, ...remarks].join('').length
  return element(
    'text',
    {
      x: rightwards ? Math.min(x + 10, width - length) : Math.max(x - 10, TIMES + length),
      y: y - 3,
      'text-anchor': rightwards ? undefined : 'end',
    },
    element('tspan', {}, escapeHtml(packet.text)),
    element('tspan', { class: 'numbers' }, escapeHtml(numbers)),
    ...remarks.map((remark) => element('tspan', { class: 'remark' }, remark)),
  )
}

const describe = (packet: TracedPacket, again: boolean): string =>
  [
    `${packet.number}: ${packet.text}${numbersOf(packet)}`,
    ...(packet.ports === undefined ? [] : [`port ${packet.ports.join(' to ')}`]),
    ...(packet.arrived === undefined ? [] : [`there at ${formatTime(packet.arrived)}`]),
    ...remarksOf(packet, again),
  ].join(', ')

/** It lies on the wire until it may go on. */
const waits = (from: Point, to: Point): string =>
  `${line(from, to, 'waiting')}${element('rect', { x: from.x - 4, y: from.y - 4, width: 8, height: 8, class: 'waiting' })}`

const cross = ({ x, y }: Point): string =>
  `${line({ x: x - 5, y: y - 5 }, { x: x + 5, y: y + 5 }, 'cross')}${line({ x: x - 5, y: y + 5 }, { x: x + 5, y: y - 5 }, 'cross')}`
