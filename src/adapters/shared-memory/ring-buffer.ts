/**
 * Two rings in one segment: messages of any size, one producer and one consumer each, no system call
 * unless somebody sleeps. This comment is the definition for a peer in another language.
 *
 * Everything is in the machine's byte order, at these byte offsets; words have 32 bits.
 *
 *     0  magic 0x52435049 ("IPCR" read as bytes on a little-endian machine)
 *     4  version 2
 *     8  C, the bytes of one ring: a power of two, 4096 to 2^29
 *    12  bytes of the segment in use: 4096 + 2 C
 *    16  ready: 1 once the four words above are valid; stored last
 *    20  claim: 0 free, else the pid of the connector that took it, or -1 withdrawn; by compare-and-swap
 *    24  pid of the listener
 *    28  bytes of the name at 64, which tells segments apart whose System V keys collide
 *    32  time of start of the listener, clock ticks since boot (/proc/PID/stat, field 22), 2 words, low first
 *    64  the name, at most 512 bytes
 *  2048  block of side 0, the listener
 *  3072  block of side 1, the connector
 *  4096  the ring into which side 0 writes, then the ring into which side 1 writes
 *
 * The block of side s; every line is written by one side alone, except the bell:
 *
 *     0  bell: what s sleeps for, 1 readable, 2 writable, and how it is woken, 4 by futex(2) on this word,
 *        8 as an event loop (an eventfd where there is one, else the futex), ORed; set by s, zeroed by who wakes it
 *   128  head: bytes that s has published, modulo 2^32
 *   132  end of s as a sender: 0 open, 1 ended (everything is published), 2 gone
 *   256  tail: bytes of the other side's ring that s has given back, modulo 2^32
 *   260  end of s as a receiver: 0 open, 1 gone
 *
 * Position p of a ring is byte p modulo C. A record begins at a multiple of 8: a word with the length L of
 * the message, a word without meaning, L bytes, and up to 7 bytes that make it a multiple of 8. A record
 * never wraps: where it does not fit before the end of the ring, a word of -1 stands and the rest is
 * skipped. So that it fits at any position, a message has at most C / 2 - 8 bytes.
 *
 * No wake-up is lost. Who publishes stores its index, then loads the other's bell; who goes to sleep
 * sets its bell, then loads the other's index. All four are sequentially consistent, so in their one
 * order either the load of the bell comes after its setting (the publisher wakes the sleeper) or the
 * load of the index comes after its storing (the sleeper does not sleep). What wakes keeps until taken (an
 * eventfd), or compares the bell before sleeping (futex, Atomics.wait).
 *
 * Nothing that is read from the segment is trusted: an index is checked against this side's own, a length
 * is read once and checked against the ring and what is published, and an offending peer gives
 * ERR_IPC_PROTOCOL. A peer that took the memory away (the fault word, see native/memory.ts) gives the same.
 */
import { arch } from 'node:process'
import { type Outbox, READABLE, WRITABLE } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import { LongViews, loadLongs, storeLongs } from '../../core/long-views.js'

export const MAGIC = 0x52435049
export const VERSION = 2
export const HEADER_BYTES = 4096
export const SMALLEST_RING = 4096
export const LARGEST_RING = 2 ** 29
export const DEFAULT_RING = 2 ** 20
export const MAX_NAME_BYTES = 512

const RECORD_HEADER = 8
const SKIP = -1

/** Indices of the header's words. */
export const word = { magic: 0, version: 1, ring: 2, total: 3, ready: 4, claim: 5, listener: 6, nameBytes: 7, startLow: 8, startHigh: 9 }
export const NAME_OFFSET = 64

const BLOCKS = 2048 / 4
const BLOCK = 1024 / 4
const HEAD = 128 / 4
const SENDER_END = HEAD + 1
const TAIL = 256 / 4
const RECEIVER_END = TAIL + 1

/** The word on which a side sleeps. */
export const bellOf = (side: number): number => BLOCKS + side * BLOCK
/** The words of a side's block that others use too. */
export const headOf = (side: number): number => bellOf(side) + HEAD
export const senderEndOf = (side: number): number => bellOf(side) + SENDER_END
export const receiverEndOf = (side: number): number => bellOf(side) + RECEIVER_END
const tailOf = (side: number): number => bellOf(side) + TAIL

/** What a bell says beside what its side sleeps for: how it is woken. */
export const BLOCKED = 4
export const LISTENING = 8

/** The words that one side watches and rings. */
export interface Watched {
  readonly bell: number
  readonly peersBell: number
  /** The index that the peer moves when it sends, and the word that is not zero when it has ended. */
  readonly incoming: number
  readonly incomingEnd: number
  /** The same for the room that it gives back. */
  readonly outgoing: number
  readonly outgoingEnd: number
}

export const watchedOf = (side: number): Watched => ({
  bell: bellOf(side),
  peersBell: bellOf(1 - side),
  incoming: headOf(1 - side),
  incomingEnd: senderEndOf(1 - side),
  outgoing: tailOf(1 - side),
  outgoingEnd: receiverEndOf(1 - side),
})

export const segmentBytes = (ring: number): number => HEADER_BYTES + 2 * ring
export const maxPayload = (ring: number): number => ring / 2 - RECORD_HEADER

/**
 * A load that no later access passes, and that passes no earlier `Atomics.store`. On x86-64 every load is one
 * (Intel SDM, volume 3, "Memory ordering": only an earlier plain store may be passed), and V8 keeps the order of
 * accesses to memory; there a plain one saves a call several times as long.
 */
const load: (words: Int32Array, index: number) => number =
  arch === 'x64' ? (words, index) => words[index] as number : (words, index) => Atomics.load(words, index)

/** A corked batch is published when it has this many messages, or an eighth of the ring. */
const BATCH_MESSAGES = 32
/** Up to this size a loop is faster than a call. */
const BYTEWISE = 16
/** Up to this size a loop over 64-bit words is. */
const WORDWISE = 256

/** One segment as JavaScript sees it. */
export interface Segment {
  readonly words: Int32Array
  /** The same as 64-bit words. */
  readonly longs: BigInt64Array
  readonly bytes: Uint8Array
  /** The word that tells whether memory was taken away, and its array. */
  readonly faults: Int32Array
  readonly fault: number
  readonly ring: number
  /** Copies `length` bytes from `offset` on into `target`. */
  readonly copyOut: CopyOut
}

type CopyOut = (offset: number, target: Uint8Array, length: number) => void

/** `copyOut` where there is a way that makes no view. */
export function segmentOver(buffer: ArrayBuffer | SharedArrayBuffer, ring: number, fault?: number, copyOut?: CopyOut): Segment {
  const words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4))
  const bytes = new Uint8Array(buffer, 0, segmentBytes(ring))
  return {
    words,
    longs: new BigInt64Array(buffer, 0, segmentBytes(ring) / 8),
    bytes,
    faults: fault === undefined ? new Int32Array(1) : words,
    fault: fault === undefined ? 0 : fault / 4,
    ring,
    copyOut: copyOut ?? ((offset, target, length) => target.set(bytes.subarray(offset, offset + length))),
  }
}

/** With its header, and what makes it a multiple of 8. */
const recordBytes = (length: number): number => (RECORD_HEADER + length + 7) & ~7

/** The side of one ring that sends. Results are byte counts or a `Result`. */
export class RingWriter implements Outbox {
  /** The longest message. */
  readonly max: number
  /** What the peer did wrong; set before the first FAILED. */
  violation: string | undefined
  readonly #words: Int32Array
  readonly #longs: BigInt64Array
  readonly #bytes: Uint8Array
  readonly #faults: Int32Array
  readonly #fault: number
  readonly #ring: number
  /** Where it begins in the segment, and where it ends. */
  readonly #data: number
  readonly #dataEnd: number
  readonly #head: number
  readonly #tail: number
  readonly #end: number
  readonly #peerEnd: number
  readonly #peerBell: number
  readonly #wake: (how: number) => void
  readonly #sources = new LongViews()
  /** The offset into the segment of the next record, up to where records go on straight from there, and position less offset. */
  #offset: number
  #stop: number
  #base: number
  /** Positions: where the published records end, what the peer has given back, and up to where there is room. */
  #published = 0
  #seenTail = 0
  #limit: number
  /** After so many messages, or at this offset, what was written is published. */
  #quota = 1
  #due = 0
  #corked = false
  #over: number | undefined
  /** Room that the last refused record wants. */
  #wanted = RECORD_HEADER
  #claimed = false

  /** `wake` is called with what the peer's bell said, when it sleeps until there is something to read. */
  constructor(segment: Segment, side: number, wake: (how: number) => void) {
    this.#words = segment.words
    this.#longs = segment.longs
    this.#bytes = segment.bytes
    this.#faults = segment.faults
    this.#fault = segment.fault
    this.#ring = segment.ring
    this.#data = HEADER_BYTES + side * segment.ring
    this.#dataEnd = this.#data + segment.ring
    this.#head = headOf(side)
    this.#end = senderEndOf(side)
    this.#tail = tailOf(1 - side)
    this.#peerEnd = receiverEndOf(1 - side)
    this.#peerBell = bellOf(1 - side)
    this.#wake = wake
    this.max = maxPayload(segment.ring)
    this.#limit = segment.ring
    this.#offset = this.#data
    this.#stop = this.#dataEnd
    this.#base = -this.#data
  }

  trySend(data: Uint8Array): number {
    const length = data.length
    const offset = this.#reserve(length)
    if (offset < 0) return offset
    let i = 0
    if (length <= WORDWISE) {
      const longs = this.#sources.of(data)
      storeLongs(longs, this.#longs, offset >> 3, longs.length)
      i = longs.length << 3
    }
    const bytes = this.#bytes
    if (length - i > BYTEWISE) bytes.set(data, offset)
    else for (; i < length; i++) bytes[offset + i] = data[i] as number
    this.#append(length)
    return this.#faults[this.#fault] === 0 ? length : this.#check()
  }

  /** An offset into the segment where `length` bytes may be written, until `commit` or `abort`. */
  tryClaim(length: number): number {
    const offset = this.#reserve(length)
    this.#claimed = offset >= 0
    return offset
  }

  commit(length: number): void {
    if (!this.#claimed) return
    this.#claimed = false
    this.#append(length)
  }

  abort(): void {
    this.#claimed = false
  }

  /** Up to where the peer was seen to have given back. */
  get seen(): number {
    return this.#seenTail
  }

  /** Bytes written and not yet published. */
  get pendingBytes(): number {
    return (this.#at() - this.#published) | 0
  }

  cork(on: boolean): void {
    this.#corked = on
    if (!on) this.publish()
    this.#begin()
  }

  flush(): number {
    this.publish()
    return 0
  }

  /** What was sent is in the ring already. */
  own(): void {}

  publish(): void {
    const at = this.#at()
    if (this.#published === at) return
    this.#published = at
    this.#begin()
    Atomics.store(this.#words, this.#head, at)
    this.#tell()
  }

  /** The next batch. */
  #begin(): void {
    this.#quota = this.#corked ? BATCH_MESSAGES : 1
    this.#due = this.#offset + (this.#ring >> 3)
  }

  /** Whether a record that was refused may go now; WOULD_BLOCK, or what is over. */
  readiness(): number {
    const over = this.#check()
    if (over < 0) return over
    return this.#room() >= this.#wanted ? 0 : Result.WOULD_BLOCK
  }

  /** The peer is known to be gone. */
  abandon(): void {
    if (this.#over === undefined) this.#finish(Result.PEER_GONE)
  }

  /** `gone`: the peer reads what was sent, then learns that this side went without a word. */
  end(gone: boolean): void {
    this.publish()
    if (Atomics.compareExchange(this.#words, this.#end, 0, gone ? 2 : 1) === 0) this.#tell()
  }

  #tell(): void {
    if ((load(this.#words, this.#peerBell) & READABLE) === 0) return
    const how = Atomics.exchange(this.#words, this.#peerBell, 0)
    if (how !== 0) this.#wake(how)
  }

  /** The offset for `length` bytes of payload, behind a skip where needed. Publishes nothing. */
  #reserve(length: number): number {
    const offset = this.#offset
    // What is over leaves no room.
    if (length <= this.max && offset + recordBytes(length) <= this.#stop) return offset + RECORD_HEADER
    return this.#reserveSlowly(length)
  }

  #reserveSlowly(length: number): number {
    if (length > this.max) return Result.PAYLOAD_SIZE
    if (this.#over !== undefined || this.#faults[this.#fault] !== 0) return this.#check()
    const record = recordBytes(length)
    const straight = this.#dataEnd - this.#offset
    const need = record <= straight ? record : straight + record
    if (this.#room() < need) {
      const over = this.#check()
      if (over < 0) return over
      if (this.#room() < need) {
        this.publish() // what is corked may be what the reader waits for
        this.#wanted = need
        return Result.WOULD_BLOCK
      }
    }
    if (record > straight) this.#wrap(straight)
    this.#aim()
    return this.#offset + RECORD_HEADER
  }

  #append(length: number): void {
    const offset = this.#offset
    this.#words[offset >> 2] = length
    const next = offset + recordBytes(length)
    this.#offset = next
    if (--this.#quota <= 0 || next >= this.#due) this.publish()
  }

  /** On from the beginning of the ring, past `straight` bytes that are left at its end. */
  #wrap(straight: number): void {
    if (straight > 0) this.#words[this.#offset >> 2] = SKIP
    this.#offset = this.#data
    this.#base = (this.#base + this.#ring) | 0
    this.#due = this.#data
  }

  #aim(): void {
    this.#stop = Math.min(this.#offset + this.#room(), this.#dataEnd)
  }

  /** The position of the next record. */
  #at(): number {
    return (this.#base + this.#offset) | 0
  }

  #room(): number {
    return (this.#limit - this.#at()) | 0
  }

  /** Looks at what the peer wrote: 0, or why nothing can be sent any more. */
  #check(): number {
    if (this.#over !== undefined) return this.#over
    const tail = load(this.#words, this.#tail)
    const given = (tail - this.#seenTail) | 0
    if (this.#faults[this.#fault] !== 0) return this.#fail('took the memory away')
    if (given < 0 || given > ((this.#published - this.#seenTail) | 0) || (given & 7) !== 0) return this.#fail('gave back what it never had')
    this.#seenTail = tail
    this.#limit = (tail + this.#ring) | 0
    this.#aim()
    return load(this.#words, this.#peerEnd) === 0 ? 0 : this.#finish(Result.PEER_GONE)
  }

  #fail(what: string): number {
    this.violation = `the peer ${what}`
    return this.#finish(Result.FAILED)
  }

  #finish(result: number): number {
    this.#over = result
    this.#limit = this.#at()
    this.#aim()
    return result
  }
}

/** The side of one ring that receives. */
export class RingReader {
  violation: string | undefined
  /** The length of the message behind the last TARGET_SIZE. */
  nextLength = 0
  /** The length of the message behind the last offset of `tryBorrow`. */
  borrowedLength = 0
  readonly #words: Int32Array
  readonly #longs: BigInt64Array
  readonly #bytes: Uint8Array
  readonly #faults: Int32Array
  readonly #fault: number
  readonly #ring: number
  readonly #data: number
  readonly #dataEnd: number
  readonly #head: number
  readonly #tail: number
  readonly #end: number
  readonly #peerEnd: number
  readonly #peerBell: number
  readonly #wake: (how: number) => void
  readonly #copyOut: CopyOut
  readonly #targets = new LongViews()
  /** The offset into the segment of the next record, up to where there are records straight from there, and position less offset. */
  #offset: number
  #stop: number
  #base: number
  /** Positions: what was given back, and what was seen published. */
  #givenBack = 0
  #seenHead = 0
  /** At this offset room is given back. */
  #due: number
  #over: number | undefined
  #borrowed = false

  /** `wake` is called with what the peer's bell said, when it sleeps until there is room. */
  constructor(segment: Segment, side: number, wake: (how: number) => void) {
    this.#words = segment.words
    this.#longs = segment.longs
    this.#bytes = segment.bytes
    this.#faults = segment.faults
    this.#fault = segment.fault
    this.#ring = segment.ring
    this.#copyOut = segment.copyOut
    this.#data = HEADER_BYTES + (1 - side) * segment.ring
    this.#dataEnd = this.#data + segment.ring
    this.#offset = this.#data
    this.#stop = this.#data
    this.#base = -this.#data
    this.#due = this.#data + (segment.ring >> 3)
    this.#head = headOf(1 - side)
    this.#peerEnd = senderEndOf(1 - side)
    this.#tail = tailOf(side)
    this.#end = receiverEndOf(side)
    this.#peerBell = bellOf(1 - side)
    this.#wake = wake
  }

  tryReceiveInto(target: Uint8Array): number {
    if (this.#borrowed) return Result.BUSY
    const offset = this.#next()
    if (offset < 0) return offset
    const length = this.nextLength
    if (length > target.length) return Result.TARGET_SIZE
    let i = 0
    if (length <= WORDWISE) {
      const longs = this.#targets.of(target)
      const count = Math.min(longs.length, length >> 3)
      loadLongs(this.#longs, offset >> 3, longs, count)
      i = count << 3
    }
    if (length - i > BYTEWISE) this.#copyOut(offset, target, length)
    else {
      const bytes = this.#bytes
      for (; i < length; i++) target[i] = bytes[offset + i] as number
    }
    this.#consume(length)
    return this.#faults[this.#fault] === 0 ? length : this.#fail('took the memory away')
  }

  /** The offset into the segment of the next message, which stays until `release`. */
  tryBorrow(): number {
    if (this.#borrowed) return Result.BUSY
    const offset = this.#next()
    if (offset < 0) return offset
    this.#borrowed = true
    this.borrowedLength = this.nextLength
    return offset
  }

  release(): void {
    if (!this.#borrowed) return
    this.#borrowed = false
    this.#consume(this.borrowedLength)
  }

  /** Up to where everything is consumed. */
  get seen(): number {
    return this.#at()
  }

  /** 0 where there is a message, WOULD_BLOCK, or what is over. */
  readiness(): number {
    return Math.min(this.#next(), 0)
  }

  /** Tells the sender that nobody reads any more. */
  close(): void {
    Atomics.store(this.#words, this.#end, 1)
    this.#tell()
  }

  /** Gives back what was consumed. */
  publish(): void {
    const at = this.#at()
    if (this.#givenBack === at) return
    this.#givenBack = at
    this.#due = this.#offset + (this.#ring >> 3)
    Atomics.store(this.#words, this.#tail, at)
    this.#tell()
  }

  #tell(): void {
    if ((load(this.#words, this.#peerBell) & WRITABLE) === 0) return
    const how = Atomics.exchange(this.#words, this.#peerBell, 0)
    if (how !== 0) this.#wake(how)
  }

  /**
   * Room is given back an eighth of the ring at a time, and at once where the sender is seen to wait or
   * nothing is left to read: a line that goes to and fro with every message costs more than the message.
   */
  #consume(length: number): void {
    const next = this.#offset + recordBytes(length)
    this.#offset = next
    if (next >= this.#due || ((this.#words[this.#peerBell] as number) & WRITABLE) !== 0) this.publish()
  }

  /** The offset of the next payload, its length in `nextLength`. */
  #next(): number {
    const offset = this.#offset
    const length = this.#words[offset >> 2] as number
    // What is at the stop may be anything: there is no room for its record.
    if (length >= 0 && length <= this.#stop - offset - RECORD_HEADER) {
      this.nextLength = length
      return offset + RECORD_HEADER
    }
    return this.#nextSlowly()
  }

  #nextSlowly(): number {
    if (this.#over !== undefined) return this.#over
    if (this.#offset === this.#dataEnd) this.#wrap()
    let published = this.#unread()
    if (published < 0) return published
    let length = this.#words[this.#offset >> 2] as number
    if (length === SKIP) {
      // A skip at the start of the ring would make this endless.
      if (this.#offset === this.#data || this.#dataEnd - this.#offset > published) return this.#fail('skipped more than it published')
      this.#wrap()
      published = this.#unread()
      if (published < 0) return published
      length = this.#words[this.#offset >> 2] as number
    }
    if (length < 0 || length > this.#stop - this.#offset - RECORD_HEADER)
      return this.#fail(`announced a message of ${length} bytes where it published fewer`)
    this.nextLength = length
    return this.#offset + RECORD_HEADER
  }

  /** On from the beginning of the ring, where nothing is known to be yet. */
  #wrap(): void {
    this.#offset = this.#data
    this.#stop = this.#data
    this.#base = (this.#base + this.#ring) | 0
    this.#due -= this.#ring
  }

  /** Bytes published and not yet consumed, at least one record; why there are none where there are none. */
  #unread(): number {
    let unread = (this.#seenHead - this.#at()) | 0
    if (unread === 0) {
      const empty = this.#look()
      if (empty < 0) return empty
      unread = (this.#seenHead - this.#at()) | 0
    }
    this.#stop = Math.min(this.#offset + unread, this.#dataEnd)
    return unread
  }

  /** The position of the next record. */
  #at(): number {
    return (this.#base + this.#offset) | 0
  }

  /** Everything seen is consumed: is there more? 0 where there is. */
  #look(): number {
    let more = this.#fetch()
    if (more !== 0) return Math.min(more, 0)
    this.publish()
    const ended = load(this.#words, this.#peerEnd)
    if (ended === 0) return Result.WOULD_BLOCK
    more = this.#fetch() // what was published just before the end
    if (more !== 0) return Math.min(more, 0)
    this.#over = ended === 1 ? Result.END : Result.PEER_GONE
    return this.#over
  }

  /** How many bytes were published since; FAILED where that cannot be. */
  #fetch(): number {
    const head = load(this.#words, this.#head)
    const more = (head - this.#seenHead) | 0
    if (this.#faults[this.#fault] !== 0) return this.#fail('took the memory away')
    if (more < 0 || ((head - this.#givenBack) | 0) > this.#ring || (more & 7) !== 0) return this.#fail('published more than there is room')
    this.#seenHead = head
    return more
  }

  #fail(what: string): number {
    this.violation = `the peer ${what}`
    this.#over = Result.FAILED
    this.#seenHead = this.#at()
    this.#stop = this.#offset
    return this.#over
  }
}
