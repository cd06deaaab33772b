/** A ladder diagram of two hosts for a terminal: a line for what leaves and for what a host became. */
import type { Arrow, Beside, Ladder, Row } from './ladder.js'
import { gapText, numbersOf, remarksOf } from './ladder-words.js'
import { formatTime } from './svg.js'

const TIME = 9
const STATE = 21
const BETWEEN = 46

export interface LadderPaint {
  heading(text: string): string
  time(text: string): string
  state(text: string): string
  /** What did not come as it was sent. */
  trouble(text: string): string
}

/** undefined: it is longer than anybody reads in a terminal, or has other than two hosts. */
export function ladderText({ hosts, rows, arrows }: Ladder, paint: LadderPaint): readonly string[] | undefined {
  const [left = '', right = ''] = hosts
  if (hosts.length !== 2 || rows.some(({ kind }) => kind === 'gap')) return undefined
  const head = `${' '.repeat(TIME + STATE)}${left}${right.padStart(BETWEEN + 1)}`
  return [
    paint.heading(head),
    ...rows.flatMap((row, at) =>
      linesOf(
        row,
        { left, right },
        arrows.filter(({ leaves }) => leaves === at),
        paint,
      ),
    ),
  ]
}

function linesOf(
  row: Row,
  { left, right }: { readonly left: string; readonly right: string },
  leaving: readonly Arrow[],
  paint: LadderPaint,
): readonly string[] {
  if (row.kind === 'heading') return ['', paint.heading(row.text)]
  if (row.kind === 'gap') return [gapText(row)]
  const standing = (side: string): string =>
    row.beside
      .filter((one) => one.side === side)
      .map(besideText)
      .join(', ')
  const states = { left: standing(left), right: standing(right) }
  if (leaving.length === 0 && states.left === '' && states.right === '') return []
  const ways = leaving.length === 0 ? [' '.repeat(BETWEEN)] : leaving.map((arrow) => wayText(arrow, arrow.from === left, paint))
  return ways.map((way, index) => {
    const [time, ours, theirs] = index === 0 ? [formatTime(row.t), states.left, states.right] : ['', '', '']
    return `${paint.time(time.padStart(TIME))}${paint.state(ours.padStart(STATE - 1))} │${way}│ ${paint.state(theirs)}`.trimEnd()
  })
}

const besideText = ({ text, detail }: Beside): string => `${text} ${detail}`.trim().slice(0, STATE - 2)

/** ` SYN seq 0 ─────────▶`, as wide as there is room between the hosts. */
function wayText({ packet, arrives, again }: Arrow, rightwards: boolean, paint: LadderPaint): string {
  const remarks = remarksOf(packet, again)
  const label = ` ${[`${packet.text}${numbersOf(packet)}`, ...remarks].join(' ')} `.slice(0, BETWEEN - 4)
  const room = BETWEEN - label.length
  const shaft = arrives !== undefined ? '─'.repeat(room - 1) : '─'.repeat(Math.ceil(room / 2) - 1)
  const end = arrives !== undefined ? (rightwards ? '▶' : '◀') : packet.fate === 'held' ? '■' : '✕'
  const way = rightwards ? `${label}${shaft}${end}`.padEnd(BETWEEN) : `${end}${shaft}${label}`.padStart(BETWEEN)
  return remarks.length > 0 ? paint.trouble(way) : way
}
