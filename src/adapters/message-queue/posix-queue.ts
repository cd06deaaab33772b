/** What both adapters over POSIX message queues share: names, limits, the kind of object. mq_overview(7) */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { checkName, pathOf } from '../../core/address.js'
import { type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { defineKind } from '../../core/janitor.js'
import { native } from './native.js'

const { EINVAL, EMFILE, ENOSPC } = constants.errno

/** A queue, or the name of the two queues of a channel: NAME.0 from listener to connector, and NAME.1. */
export interface QueueAddress {
  /** One slash in front at most, and 255 bytes; 253 for a channel. */
  name: string
  /** How many messages a queue that is made holds. Default: fs.mqueue.msg_default. */
  maxMessages?: number
  /** How many bytes a message of a queue that is made may have. Default: fs.mqueue.msgsize_default. */
  maxMessageBytes?: number
}

/** NAME_MAX of mqueuefs. */
const MAX_NAME = 255
export const MAX_PRIORITY = 32767

/** A limit in /proc/sys/fs/mqueue. */
function limit(name: 'msg_default' | 'msg_max' | 'msgsize_default' | 'msgsize_max', otherwise: number): number {
  try {
    const value = Number(readFileSync(`/proc/sys/fs/mqueue/${name}`, 'utf8'))
    return Number.isSafeInteger(value) && value > 0 ? value : otherwise
  } catch {
    return otherwise
  }
}

const defaultMessages = () => Math.min(limit('msg_default', 10), limit('msg_max', 10))
export const defaultMessageBytes = () => Math.min(limit('msgsize_default', 8192), limit('msgsize_max', 8192))

/** The sizes of a queue to make. */
export const sizesOf = (address: QueueAddress) => ({
  maxMessages: address.maxMessages ?? defaultMessages(),
  maxMessageBytes: address.maxMessageBytes ?? defaultMessageBytes(),
})

/** The queue's name as the kernel has it, checked: `/name`, with `suffix`. */
export const queueName = (name: unknown, suffix = ''): string => `/${checkName(name, MAX_NAME - suffix.length)}${suffix}`

export function parseQueue(url: URL): QueueAddress {
  const size = (key: string) => {
    const text = url.searchParams.get(key)
    return text === null ? {} : { [key]: Number(text) }
  }
  return { name: pathOf(url), ...size('maxMessages'), ...size('maxMessageBytes') }
}

export function formatQueue(scheme: string, address: QueueAddress): string {
  const query = new URLSearchParams()
  for (const key of ['maxMessages', 'maxMessageBytes'] as const) {
    const value = address[key]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff)
      throw new RangeError(`${key} must be a positive integer of at most 31 bits, not ${value}`)
    query.set(key, String(value))
  }
  const text = query.size === 0 ? '' : `?${query}`
  return `${scheme}:///${encodeURIComponent(queueName(address.name).slice(1))}${text}`
}

/** The error of mq_open(3), which says EINVAL, EMFILE or ENOSPC where one of the limits of queues is reached. */
export function openError(result: number, address: QueueAddress, errors: ErrorContext): IpcError {
  const { maxMessages, maxMessageBytes } = sizesOf(address)
  const limited = (advice: string) => new IpcError('ERR_IPC_LIMIT', `${advice} (mq_open)`, { ...errors, errno: result, syscall: 'mq_open' })
  switch (-result) {
    case EINVAL:
      return limited(
        `the kernel refuses a queue of ${maxMessages} messages of ${maxMessageBytes} bytes; ` +
          `raise fs.mqueue.msg_max (${limit('msg_max', 10)}) or fs.mqueue.msgsize_max (${limit('msgsize_max', 8192)}), or ask for less`,
      )
    case EMFILE:
      return limited(
        `${maxMessages} messages of ${maxMessageBytes} bytes more are over RLIMIT_MSGQUEUE of this user (\`ulimit -q\`), ` +
          'or no descriptor is left (`ulimit -n`); raise it, close queues, or ask for less',
      )
    case ENOSPC:
      return limited('the machine has fs.mqueue.queues_max queues; raise it or remove some')
    default:
      return systemError(result, 'mq_open', errors)
  }
}

const identity = new Float64Array(3)

export const queueKind = defineKind({
  kind: 'message-queue/posix',
  identity: (name) => (native.mqIdentity(name, identity) < 0 ? undefined : `${identity[0]}:${identity[1]}`),
  born: (name) => (native.mqIdentity(name, identity) < 0 ? undefined : (identity[2] as number)),
  remove(name) {
    native.mqUnlink(name)
  },
})
