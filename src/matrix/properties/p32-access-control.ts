import type { Actor } from '../../stage/actor.js'
import { type Constant, call, type Outcome } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import { Skip, type Stage } from '../../stage/stage.js'
import { membership, newGroup } from '../subjects/datagram-sockets.js'
import { map, SEGMENT_BYTES } from '../subjects/memory.js'
import { signalPair } from '../subjects/signals.js'
import { bound, inetAddress, LOOPBACK, octets, openSocket, unixAddress } from '../subjects/sockets.js'
import { defineProperty, type Experiment, each, SIGNALS } from './property.js'

/** Makes a named object of that mode; answers how a stranger gets at it. */
type Door = (stage: Stage, owner: Actor, mode: Constant) => Promise<(stranger: Actor) => Promise<Outcome>>

/** Which of mode and umask keep another user out? */
const named =
  (rule: string, door: Door): Experiment =>
  async (stage) => {
    const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
    const refused = async (intent: string, umask: number, bits: number) => {
      stage.intend(intent)
      await owner.must(call('umask', mode(umask)))
      const enter = await door(stage, owner, mode(bits))
      return (await enter(stranger)).error
    }
    const open = await refused('Control: the mode is for all, and the umask leaves it so.', 0, 0o666)
    if (open !== undefined) return `${open} where all may`
    const own = await refused('The mode is for the owner alone.', 0, 0o600)
    if (own !== 'EACCES') return `${own ?? 'allowed'} where the owner alone may`
    const masked = await refused('The mode is for all, but the umask takes that back.', 0o077, 0o666)
    return masked === 'EACCES' ? `${rule} + umask` : rule
  }

const fileMode = (door: Door): Experiment => named('file mode bits', door)
const permMode = (door: Door): Experiment => named('ipc_perm mode', door)

/** A stranger has to reach the run's folder for what is in it to say anything. */
async function reached(stage: Stage, stranger: Actor): Promise<void> {
  const { error } = await stranger.do(call('stat', stage.company.folder))
  if (error !== undefined) throw new Skip(`the user nobody cannot reach ${stage.company.folder}: ${error}`)
}

const makes = either(K.O_RDWR, K.O_CREAT, K.O_EXCL)

const socketFile =
  (type: Constant): Experiment =>
  async (stage) => {
    const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
    await reached(stage, stranger)
    const serve = async (path: string) => {
      const { fd } = await bound(owner, K.AF_UNIX, type, unixAddress(path))
      if (type !== K.SOCK_DGRAM) await owner.must(call('listen', fd, 4))
    }
    const refused = async (path: string) =>
      (await stranger.do(call('connect', await openSocket(stranger, K.AF_UNIX, type), unixAddress(path)))).error
    const folder = await stage.folder()
    await owner.must(call('mkdir', folder, mode(0o700)))
    const path = await stage.path(folder)
    await serve(path)
    await owner.must(call('chmod', path, mode(0o222)))
    stage.intend('The file may be written to by all, but the folder be searched by its owner alone.')
    const hidden = await refused(path)
    stage.intend('The folder may be searched by all.')
    await owner.must(call('chmod', folder, mode(0o711)))
    const open = await refused(path)
    stage.intend('The file may be read by all, but not be written to.')
    await owner.must(call('chmod', path, mode(0o444)))
    const unwritable = await refused(path)
    if (open !== undefined || unwritable !== 'EACCES') return `writable: ${open ?? 'ok'}, not writable: ${unwritable ?? 'ok'}`
    stage.intend('An abstract name is no file, and asks for no permission.')
    await serve(`\0${path}`)
    const abstract = await refused(`\0${path}`)
    if (abstract !== undefined) return `${abstract} at an abstract name`
    return `write permission on the socket file${hidden === 'EACCES' ? ' + search on dirs' : ''}`
  }

/** Whoever holds the descriptor uses it; another of the same user does not even see it. */
async function possessed(stage: Stage, { owner, fd, use }: { owner: Actor; fd: number; use: (holder: Actor) => Promise<string> }) {
  const [holder, stranger] = [await owner.spawn('holder'), await stage.nobody('stranger')]
  await stage.demote(holder)
  const used = await use(holder)
  if (used !== 'x') return used
  stage.intend('The user of the holder is not what let it in: another process of that user, without the descriptor.')
  const door = call('open', `/proc/${owner.pid}/fd/${fd}`, K.O_RDWR, 0)
  const seen = await stage.unless(async () => ((await stranger.do(door)).error === undefined ? 'uid match' : undefined), {
    text: 'the same path leads there, for a process that might trace the owner',
    see: async () => {
      const { result, error } = await (await stage.actor('tracer')).do(door)
      if (error !== undefined) throw new Skip(`no process may look at another's descriptors here: ${error}`)
      return result
    },
  })
  return seen ?? 'possession of the fd'
}

export default defineProperty({
  id: 'P32',
  name: 'access-control',
  experiments: {
    fifo: fileMode(async (stage, owner, bits) => {
      const path = await stage.path()
      await owner.must(call('mkfifo', path, bits))
      return async (stranger) => {
        await reached(stage, stranger)
        return stranger.do(call('open', path, K.O_RDWR, 0))
      }
    }),
    psem: fileMode(async (stage, owner, bits) => {
      const name = await stage.name('sem')
      await owner.must(call('sem_open', name, either(K.O_CREAT, K.O_EXCL), bits, 0))
      return (stranger) => stranger.do(call('sem_open', name, 0, 0, 0))
    }),
    pmq: fileMode(async (stage, owner, bits) => {
      const name = await stage.name('mq')
      await owner.must(call('mq_open', name, makes, bits, 1, 1))
      return (stranger) => stranger.do(call('mq_open', name, K.O_RDWR, 0, 0, 0))
    }),
    pshm: fileMode(async (stage, owner, bits) => {
      const name = await stage.name('shm')
      await owner.must(call('shm_open', name, makes, bits))
      return (stranger) => stranger.do(call('shm_open', name, K.O_RDWR, 0))
    }),
    svsem: permMode(async (stage, owner, bits) => {
      const key = await stage.key('sysv-sem')
      await owner.must(call('semget', key, 1, either(K.IPC_CREAT, K.IPC_EXCL, bits)))
      return async (stranger) => stranger.do(call('semop', (await stranger.must(call('semget', key, 0, 0))).result, 0, 1, K.IPC_NOWAIT))
    }),
    svmq: permMode(async (stage, owner, bits) => {
      const key = await stage.key('sysv-msg')
      await owner.must(call('msgget', key, either(K.IPC_CREAT, K.IPC_EXCL, bits)))
      return async (stranger) => stranger.do(call('msgsnd', (await stranger.must(call('msgget', key, 0))).result, 1, 'x', K.IPC_NOWAIT))
    }),
    svshm: permMode(async (stage, owner, bits) => {
      const key = await stage.key('sysv-shm')
      await owner.must(call('shmget', key, SEGMENT_BYTES, either(K.IPC_CREAT, K.IPC_EXCL, bits)))
      return async (stranger) => stranger.do(call('shmat', (await stranger.must(call('shmget', key, 0, 0))).result, 0))
    }),
    ustream: socketFile(K.SOCK_STREAM),
    udgram: socketFile(K.SOCK_DGRAM),
    useq: socketFile(K.SOCK_SEQPACKET),
    pipe: async (stage) => {
      const owner = await stage.actor('owner')
      const made = await owner.must(call('pipe2', 0))
      const use = async (holder: Actor) => {
        await owner.must(call('write', made.number('write'), 'x'))
        const { error, text } = await holder.do(call('read', made.number('read'), 1))
        return error ?? text
      }
      return possessed(stage, { owner, fd: made.number('read'), use })
    },
    memfd: async (stage) => {
      const owner = await stage.actor('owner')
      const { result: fd } = await owner.must(call('memfd_create', 'ipcpg', 0))
      await owner.must(call('ftruncate', fd, SEGMENT_BYTES))
      await owner.must(call('store', await map(owner, fd), 'x'))
      return possessed(stage, { owner, fd, use: async (holder) => (await holder.do(call('load', await map(holder, fd), 1))).text })
    },
    ...each(SIGNALS, async (stage, { key }) => {
      const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
      const fellow = await stage.nobody('of the same user as the stranger')
      const allowed = async (from: Actor, to: Actor) => {
        const { sender } = await signalPair(key === 'sig' ? key : 'rtsig', from, to)
        return (await from.do(sender.send(''))).error ?? 'ok'
      }
      const uid = [await allowed(stranger, owner), await allowed(stranger, fellow)].join()
      stage.intend('The owner has another uid, but CAP_KILL. Then it gives that up.')
      const before = await allowed(owner, fellow)
      await owner.must(call('drop_capability', K.CAP_KILL))
      const capability = [before, await allowed(owner, fellow)].join()
      if (uid !== 'EPERM,ok') return `to another user and to the same: ${uid}`
      return capability === 'ok,EPERM' ? 'uid match or CAP_KILL' : `uid match; with CAP_KILL and without: ${capability}`
    }),
    tcp: async (stage) => {
      const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
      const { fd, address } = await bound(owner, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, 0))
      await owner.must(call('listen', fd, 1))
      const { error } = await stranger.do(call('connect', await openSocket(stranger, K.AF_INET, K.SOCK_STREAM), address))
      if (error !== undefined) return error
      await owner.must(call('accept', fd, 0))
      return 'none'
    },
    udp: async (stage) => {
      const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
      const { fd, address } = await bound(owner, K.AF_INET, K.SOCK_DGRAM, inetAddress(LOOPBACK, 0))
      const { error } = await stranger.do(call('sendto', await openSocket(stranger, K.AF_INET, K.SOCK_DGRAM), 'x', 0, address))
      if (error !== undefined) return error
      await owner.must(call('recv', fd, 1, 0))
      return 'none'
    },
    mcast: async (stage) => {
      const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
      const group = newGroup()
      const { fd, address } = await bound(stranger, K.AF_INET, K.SOCK_DGRAM, inetAddress(group, 0))
      const { error } = await stranger.do(call('setsockopt', fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(group)))
      if (error !== undefined) return error
      const out = await openSocket(owner, K.AF_INET, K.SOCK_DGRAM)
      await owner.must(call('setsockopt', out, K.IPPROTO_IP, K.IP_MULTICAST_IF, Uint8Array.of(...octets(LOOPBACK))))
      await owner.must(call('sendto', out, 'x', 0, address))
      await stranger.must(call('recv', fd, 1, 0))
      return 'none'
    },
  },
})
