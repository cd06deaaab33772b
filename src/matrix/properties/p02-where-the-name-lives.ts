import { constants } from 'node:fs'
import type { Actor } from '../../stage/actor.js'
import { describeAddress } from '../../stage/address.js'
import { call } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import { inetNames, sysvKeys, unixNames } from '../../stage/kernel.js'
import { Skip, type Stage } from '../../stage/stage.js'
import { signalPair } from '../subjects/signals.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import { hostOf, unixAddress } from '../subjects/sockets.js'
import { newObject } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, NAMELESS, UNIX } from './property.js'

const { S_IFMT, S_IFIFO, S_IFREG, S_IFSOCK } = constants

/** Looks at a place for what is not there until it is made. */
async function found(place: string, look: () => Promise<boolean>, make: () => Promise<unknown>): Promise<string> {
  if (await look()) return `${place}, before it was made`
  await make()
  return (await look()) ? place : `not ${place}`
}

/** Whether a file of that type has the path. */
async function sees(other: Actor, path: string, type: number): Promise<boolean> {
  const seen = await other.do(call('stat', path))
  return seen.error === undefined && (seen.number('mode') & S_IFMT) === type
}

const asFile =
  (place: string, type: number, pathOf: (name: string) => string): Experiment =>
  async (stage, subject) => {
    const [maker, other] = [await stage.actor('maker'), await stage.actor('other')]
    const object = await newObject(stage, subject)
    const path = pathOf(String(object.name))
    return found(
      place,
      () => sees(other, path, type),
      () => object.make(maker, true),
    )
  }

/** Whether a table of the kernel has an entry, which is told. */
function listed<T>(stage: Stage, table: string, entries: readonly T[], entry: T): boolean {
  const isThere = entries.includes(entry)
  stage.observe(`${table} has ${isThere ? '' : 'not '}${entry}`)
  return isThere
}

const asKey =
  (kind: 'sem' | 'msg' | 'shm'): Experiment =>
  async (stage, subject) => {
    const maker = await stage.actor('maker')
    const object = await newObject(stage, subject)
    return found(
      'key_t',
      async () => listed(stage, `/proc/sysvipc/${kind}`, sysvKeys(kind), object.name),
      () => object.make(maker, true),
    )
  }

const asPid =
  (key: 'sig' | 'rtsig'): Experiment =>
  async (stage) => {
    const [sender, parent] = [await stage.actor('sender'), await stage.actor('parent of the target')]
    const target = await parent.fork('target')
    const pair = await signalPair(key, sender, target)
    stage.intend(`The name is the pid ${target.pid}: it is there for as long as the process is.`)
    if ((await sender.do(pair.sender.send(''))).error !== undefined) return 'not pid'
    const taken = await target.must(pair.receiver.receive())
    stage.observe(`signal ${taken.result} came from ${taken.number('sender')}`)
    await target.kill()
    await parent.must(call('wait', target.pid, 0))
    return (await sender.do(pair.sender.send(''))).error === 'ESRCH' ? 'pid' : 'pid, after its end'
  }

const asPort =
  (protocol: 'tcp' | 'udp', place: (host: string) => string): Experiment =>
  async (stage, subject) => {
    const owner = await stage.actor('owner')
    const kind = socketKind(subject)
    const address = await kind.newAddress(stage, owner)
    const name = describeAddress(address)
    const names = () => inetNames(protocol)
    return found(
      place(hostOf(address)),
      async () => listed(stage, `/proc/net/${protocol}`, names(), name),
      () => serve(owner, kind, address),
    )
  }

/** 224.0.0.0/4 */
const isGroup = (host: string): boolean => Number(host.split('.')[0]) >> 4 === 14

export default defineProperty({
  id: 'P02',
  name: 'where-the-name-lives',
  experiments: {
    fifo: asFile('fs path', S_IFIFO, (path) => path),
    psem: asFile('/dev/shm/sem.*', S_IFREG, (name) => `/dev/shm/sem.${name.slice(1)}`),
    pshm: asFile('/dev/shm/*', S_IFREG, (name) => `/dev/shm${name}`),
    pmq: async (stage, subject) => {
      const maker = await stage.apart('maker', K.CLONE_NEWNS, K.CLONE_NEWIPC)
      const folder = await stage.folder()
      stage.intend('The file system of the queues is mounted where only this process and its children see it.')
      await maker.must(call('mount', 'none', '/', '', either(K.MS_REC, K.MS_PRIVATE)))
      await maker.must(call('mkdir', folder, mode(0o700)))
      const { error } = await maker.do(call('mount', 'mqueue', folder, 'mqueue', 0))
      if (error !== undefined) throw new Skip(`the file system mqueue cannot be mounted: ${error}`)
      const other = await maker.spawn('other')
      const object = await newObject(stage, subject)
      return found(
        'mqueue fs',
        () => sees(other, `${folder}${object.name}`, S_IFREG),
        () => object.make(maker, true),
      )
    },
    svsem: asKey('sem'),
    svmq: asKey('msg'),
    svshm: asKey('shm'),
    sig: asPid('sig'),
    rtsig: asPid('rtsig'),
    ...each(UNIX, async (stage, subject) => {
      const [owner, other] = [await stage.actor('owner'), await stage.actor('other')]
      const kind = socketKind(subject)
      const address = await kind.newAddress(stage, owner)
      const path = describeAddress(address)
      const inTable = (name: string) => listed(stage, '/proc/net/unix', unixNames(), name)
      const asPath = await found(
        'path',
        async () => (await sees(other, path, S_IFSOCK)) && inTable(path),
        () => serve(owner, kind, address),
      )
      stage.intend('A name that begins with a zero byte is in no file system.')
      const abstract = await found(
        'abstract',
        async () => inTable(`@${path}.2`) && !(await sees(other, `${path}.2`, S_IFSOCK)),
        () => serve(owner, kind, unixAddress(`\0${path}.2`)),
      )
      return `${asPath} / ${abstract}`
    }),
    tcp: asPort('tcp', () => 'addr:port'),
    udp: asPort('udp', () => 'addr:port'),
    mcast: asPort('udp', (host) => (isGroup(host) ? 'group:port' : 'addr:port')),
    ...each(NAMELESS, async (stage, subject) => {
      const [{ sender }, other] = [await subject.meet(stage), await stage.actor('other')]
      const reached = async (fd: number) => {
        const { text } = await sender.actor.must(call('readlink', `/proc/self/fd/${fd}`))
        return (await other.do(call('stat', text))).error === undefined ? text : undefined
      }
      stage.intend('The kernel names a descriptor by the path behind it, or by a word that is no path.')
      const place = await stage.unless(() => reached(sender.fd ?? -1), {
        text: 'of a file the same way leads to its path',
        see: async () => reached((await sender.actor.must(call('open', await stage.path(), either(K.O_RDWR, K.O_CREAT), 0o600))).result),
      })
      return place ?? 'none'
    }),
  },
})
