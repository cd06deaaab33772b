import { symbols } from '../../native/index.js'

/** mq_overview(7) and, with `msq`, System V queues. Names have their leading slash. Numbers are >= 0, or -errno. */
interface MessageQueueNative {
  mqOpen(name: string, flags: number, mode: number, maxMessages: number, maxMessageBytes: number): number
  /** `out` becomes [messages, bytes a message]. */
  mqLimits(fd: number, out: Int32Array): number
  /** `waits` of 1 waits on this thread, here and below. */
  mqSend(fd: number, data: Uint8Array, priority: number, waits: number): number
  /** The target must have room for the queue's longest message. A priority comes added to the length, times 2^32. */
  mqReceive(fd: number, target: Uint8Array, waits: number): number
  /** Removes the name while it is this queue's. */
  mqRemove(fd: number, name: string): number
  mqUnlink(name: string): number
  /** `out` becomes [device, inode]. */
  mqIdentity(name: string, out: Float64Array): number

  msqOpen(key: number, flags: number): number
  /** `out` becomes [msg_ctime, msg_stime, msg_qbytes]: when it was made or its limits changed, when somebody last sent (0: never), what it takes. */
  msqStat(id: number, out: Float64Array): number
  msqRemove(id: number): number
  msqSend(id: number, type: number, data: Uint8Array, waits: number): number
  /** Takes one empty message of `type`. */
  msqTake(id: number, type: number): number
  msqReceiver(id: number, type: number, size: number): number
  msqReceive(receiver: number, target: Uint8Array, waits: number): number
  msqHeld(receiver: number): number
  /** Sends the held message again. */
  msqReturn(receiver: number): number
  msqRoom(id: number): number
  msqRoomFor(room: number, size: number): number
}

export const native = symbols<MessageQueueNative>()
