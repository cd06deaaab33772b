/** Colours, on a terminal alone. no-color.org */
type Paint = (text: string) => string

export interface Colours {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
}

export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  const on = stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb'
  const paint =
    (begin: number, end: number): Paint =>
    (text) =>
      on ? `\x1b[${begin}m${text}\x1b[${end}m` : text
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39) }
}
