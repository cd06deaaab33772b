/** Drawings as text. */
import { escapeHtml } from './escape.js'

export type Attributes = Readonly<Record<string, string | number | undefined>>

/** An element with what is in it, which is markup already. */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : ` ${key}="${typeof value === 'number' ? Math.round(value * 10) / 10 : escapeHtml(value)}"`,
  )
  return `<${name}${written.join('')}>${content.join('')}</${name}>`
}

export interface Point {
  readonly x: number
  readonly y: number
}

export const line = (from: Point, to: Point, name: string): string =>
  element('line', { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: name })

const HEAD_LENGTH = 9
const HEAD_WIDTH = 3.6

/** A line with a head at its end. */
export function arrow(from: Point, to: Point, name: string): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length]
  const foot = { x: to.x - dx * HEAD_LENGTH, y: to.y - dy * HEAD_LENGTH }
  const corners = [
    to,
    { x: foot.x - dy * HEAD_WIDTH, y: foot.y + dx * HEAD_WIDTH },
    { x: foot.x + dy * HEAD_WIDTH, y: foot.y - dx * HEAD_WIDTH },
  ]
  return `${line(from, foot, name)}${element('polygon', { points: corners.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' '), class: name })}`
}

/** Text whose baseline is at the point. */
export const text = ({ x, y }: Point, words: string, name: string, anchor?: 'middle' | 'end'): string =>
  element('text', { x, y, class: name, 'text-anchor': anchor }, escapeHtml(words))

/** Text in lines of at most so many characters, broken between words. */
export function wrapped(words: string, width: number): readonly string[] {
  const lines: string[] = []
  let current = ''
  for (const word of words.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current)
      current = word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, current]
}

/** `12.3`: a trace's ms. */
export const formatTime = (ms: number): string => ms.toFixed(1)
