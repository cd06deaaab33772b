/** A system call as data: what an actor is asked to perform, and what came of it. */
import { describeAddress, isAddress } from './address.js'

/** A number with the name that the manual pages give it. */
export interface Constant {
  readonly text: string
  readonly value: number
}

/** Bytes, and how a person would write them. */
export interface Labelled {
  readonly text: string
  readonly bytes: Uint8Array
}

/** `length` bytes of one value. */
export interface Filling {
  readonly fill: number
  readonly length: number
}

/** The number of the repetition, counted from 0, in `width` little-endian bytes. */
export interface Counter {
  readonly counter: true
  readonly width: number
}

export type Argument = number | string | Uint8Array | Constant | Labelled | Filling | Counter

/** What a message may be made of. */
export type Payload = string | Uint8Array | Filling | Counter

export interface Call {
  readonly name: string
  readonly args: readonly Argument[]
}

export const call = (name: string, ...args: Argument[]): Call => ({ name, args })
export const filling = (length: number, fill = 0x61): Filling => ({ fill, length })
export const counter = (width = 4): Counter => ({ counter: true, width })

export const lengthOf = (payload: Payload): number =>
  typeof payload === 'string' ? Buffer.byteLength(payload) : 'width' in payload ? payload.width : payload.length

/** What a call answered. */
export class Outcome {
  readonly result: number
  /** The name of errno, where the call failed. */
  readonly error: string | undefined
  readonly #values: ReadonlyMap<string, readonly (number | Uint8Array)[]>

  constructor(result: number, error: string | undefined, values: ReadonlyMap<string, readonly (number | Uint8Array)[]>) {
    this.result = result
    this.error = error
    this.#values = values
  }

  /** The bytes that the call received; of a repeated one, those of the last time. */
  get data(): Uint8Array {
    return this.allBytes('data').at(-1) ?? new Uint8Array()
  }

  get text(): string {
    return Buffer.from(this.data).toString('latin1')
  }

  /** What each repetition received. */
  get each(): readonly Uint8Array[] {
    return this.allBytes('data')
  }

  /** How often a repeated call succeeded, and what it answered in all. */
  get times(): number {
    return this.number('times')
  }
  get sum(): number {
    return this.number('sum')
  }

  number(key: string): number {
    const value = this.numbers(key).at(-1)
    if (value === undefined) throw new Error(`the actor told no ${key}`)
    return value
  }

  numbers(key: string): readonly number[] {
    return (this.#values.get(key) ?? []).filter((value) => typeof value === 'number')
  }

  bytes(key: string): Uint8Array {
    const value = this.allBytes(key).at(-1)
    if (value === undefined) throw new Error(`the actor told no ${key}`)
    return value
  }

  allBytes(key: string): readonly Uint8Array[] {
    return (this.#values.get(key) ?? []).filter((value) => typeof value !== 'number')
  }

  /** As a story tells it. */
  toString(): string {
    if (this.error !== undefined && this.numbers('times').length === 0) return this.error
    if (this.numbers('times').length > 0) return `${this.times} times${this.error === undefined ? '' : `, then ${this.error}`}`
    const data = this.allBytes('data').length === 0 ? '' : ` ${show(this.data)}`
    const address = this.allBytes('address').map(describeAddress).at(-1) ?? ''
    return `${this.result}${data}${address && ` ${address}`}`
  }
}

/** `mq_send(4, "low", 1)` */
export const describe = ({ name, args }: Call): string =>
  `${name}(${args.map((arg, index) => (arg instanceof Uint8Array ? describeBytes(name, index, arg) : show(arg))).join(', ')})`

function describeBytes(name: string, index: number, bytes: Uint8Array): string {
  if (isAddress(name, index)) return describeAddress(bytes)
  return name === 'setsockopt' && bytes.length === 4
    ? `[${new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)}]`
    : showBytes(bytes)
}

const SHOWN_BYTES = 24

function show(argument: Argument): string {
  if (typeof argument === 'number') return argument > 0xffff_ffff ? `0x${argument.toString(16)}` : String(argument)
  if (typeof argument === 'string') return JSON.stringify(argument)
  if (argument instanceof Uint8Array) return showBytes(argument)
  if ('text' in argument) return argument.text
  return 'fill' in argument ? `${argument.length} bytes` : 'its number'
}

function showBytes(bytes: Uint8Array): string {
  if (bytes.length > SHOWN_BYTES) return `${bytes.length} bytes`
  const text = Buffer.from(bytes).toString('latin1')
  return /^[ -~]*$/.test(text) ? JSON.stringify(text) : `<${Buffer.from(bytes).toString('hex')}>`
}

export function encode({ name, args }: Call, sequence: number, announce: boolean, repeat: number): string {
  return `${[sequence, announce ? 1 : 0, repeat, name, ...args.map(encodeArgument)].join(' ')}\n`
}

function encodeArgument(argument: Argument): string {
  if (typeof argument === 'number') return `i${argument}`
  if (typeof argument === 'string') return `x${Buffer.from(argument).toString('hex')}`
  if (argument instanceof Uint8Array) return `x${Buffer.from(argument).toString('hex')}`
  if ('bytes' in argument) return encodeArgument(argument.bytes)
  if ('value' in argument) return `i${argument.value}`
  return 'fill' in argument ? `f${argument.length}:${argument.fill}` : `n${argument.width}`
}

/** Of the words after the sequence number of an `R` line. */
export function decode([result, error, ...values]: readonly string[]): Outcome {
  const found = new Map<string, (number | Uint8Array)[]>()
  for (const entry of values) {
    const at = entry.indexOf('=')
    const text = entry.slice(at + 1)
    const value = text.startsWith('x') ? new Uint8Array(Buffer.from(text.slice(1), 'hex')) : Number(text)
    const key = entry.slice(0, at)
    const before = found.get(key)
    if (before === undefined) found.set(key, [value])
    else before.push(value)
  }
  return new Outcome(Number(result), error === '-' ? undefined : error, found)
}
