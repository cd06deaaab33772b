import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Address } from '../../core/channel.js'
import { sweep } from '../../core/janitor.js'
import { connect, listen } from '../../core/rendezvous.js'
import { keyOfName } from '../../core/sysv-key.js'
import { digest } from '../pattern.js'
import { Absent, type Case } from './case.js'
import { connects, counts, crashSafe, makesNames, manyPeers, named } from './conditions.js'
import { codeOf, pending, rejects } from './context.js'

/** The path or name in an address, as it may show in a folder. */
const nameIn = (address: Address): string | undefined => {
  const { path, name } = address as { path?: string; name?: string }
  const text = path ?? name
  return text === undefined ? undefined : basename(text)
}

/** The files that stand for an address: at its path, or in the kernel's folders for named objects. */
function filesOf(address: Address): string[] {
  const name = nameIn(address)
  if (name === undefined || typeof address === 'string') return []
  const { path } = address as { path?: string }
  const folders = ['/dev/shm', '/dev/mqueue'].filter((folder) => existsSync(folder))
  const found = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((entry) => entry.includes(name))
      .map((entry) => `${folder}/${entry}`),
  )
  if (path === undefined || !path.startsWith('/')) return found
  const beside = readdirSync(dirname(path)).filter((entry) => entry.startsWith(name))
  return [...beside.map((entry) => join(dirname(path), entry)), ...found]
}

/** The permissions of what stands for an address: files, objects without a folder that this process has open, System V objects. */
function modesOf(address: Address): Map<string, number> {
  const name = nameIn(address)
  const modes = new Map(filesOf(address).map((file) => [file, statSync(file).mode & 0o777]))
  if (name === undefined) return modes
  for (const fd of readdirSync('/proc/self/fd')) {
    const path = `/proc/self/fd/${fd}`
    try {
      if (readlinkSync(path).includes(name)) modes.set(readlinkSync(path), statSync(path).mode & 0o777)
    } catch {
      // it was closed meanwhile
    }
  }
  const keys = [name, `${name}.0`, `${name}.1`].map((text) => String(keyOfName(text) | 0))
  for (const kind of SYSTEM_V)
    for (const row of systemV(kind)) if (keys.includes(row.key ?? '')) modes.set(`${kind} ${row.key}`, Number.parseInt(row.perms ?? '', 8))
  return modes
}

const SYSTEM_V = ['shm', 'msg', 'sem'] as const

/** The rows of a table of /proc/sysvipc, by column. */
function systemV(kind: (typeof SYSTEM_V)[number]): Record<string, string>[] {
  const file = `/proc/sysvipc/${kind}`
  if (!existsSync(file)) return []
  const [head = [], ...rows] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return rows.map((row) => Object.fromEntries(head.map((column, i) => [column, row[i] ?? ''])))
}

/** The System V objects that a process made, or that name it as the last user. */
function systemVOf(pid: number): number {
  return SYSTEM_V.flatMap(systemV).filter(({ cpid, lspid }) => cpid === String(pid) || lspid === String(pid)).length
}

export const names: Case[] = [
  {
    promise: 11,
    title: 'two processes meet at a name, and talk both ways',
    requires: [named],
    async run(context) {
      const { helper, channel } = await context.meet()
      const echoed = helper.call('echo', {})
      await channel.send(context.payload(1))
      const back = await channel.receive()
      assert(back !== null)
      assert.equal(digest(back), digest(context.payload(1)))
      await echoed
      assert.equal(channel.adapter, context.adapter.id)
      if (channel.peer !== undefined) assert.equal(channel.peer.pid, helper.pid)
    },
  },
  {
    promise: 11,
    title: 'a name that is taken is refused with ERR_IPC_EXISTS, here and in another process, and goes on working',
    requires: [named],
    async run(context) {
      const address = context.address()
      const server = await context.listen(address)
      await rejects(listen(server.address), 'ERR_IPC_EXISTS', 'ERR_IPC_BUSY')
      const helper = await context.helper()
      if (context.subject.rendezvous !== 'pid') {
        const error = await helper.call('listen', { address: server.address }).catch((reason) => reason)
        assert.match(String(codeOf(error)), /ERR_IPC_(EXISTS|BUSY)/)
      }
      const accepted = context.accept(server)
      await helper.call('connect', { address: server.address })
      assert.equal((await accepted).state, 'open')
    },
  },
  {
    promise: 11,
    title: 'a name that nobody listens at is ERR_IPC_NOT_FOUND',
    requires: [named],
    async run(context) {
      const error = await rejects(connect(await context.unheard(), { timeout: 5000 }), 'ERR_IPC_NOT_FOUND')
      assert.equal((error as { adapter?: string }).adapter, context.adapter.id)
      assert.match(error.message, /\S+/)
    },
  },
  {
    promise: 7,
    title: 'waitForPeer waits for the listener; its wait can be aborted and timed',
    requires: [named],
    async run(context) {
      const address = await context.unheard()
      await rejects(connect(address, { waitForPeer: true, timeout: 40 }), 'ERR_IPC_TIMEOUT')
      const controller = new AbortController()
      const aborted = connect(address, { waitForPeer: true, signal: controller.signal })
      assert(await pending(aborted))
      controller.abort(new Error('enough'))
      await assert.rejects(aborted, /enough/)
      await assert.rejects(connect(address, { signal: AbortSignal.abort(new Error('before')) }), /before/)
      await assert.rejects(listen(address, { signal: AbortSignal.abort(new Error('before')) }), /before/)
      const helper = await context.helper()
      const connected = helper.call('connect', { address: context.url(address), options: { waitForPeer: true } })
      const server = await context.listen(address)
      const channel = await context.accept(server)
      await connected
      assert.equal(channel.state, 'open')
    },
  },
  {
    promise: 11,
    title: 'a server serves as many peers as it declares',
    requires: [named, manyPeers],
    async run(context) {
      const server = await context.listen(context.address())
      const [one, two] = await Promise.all([context.helper(), context.helper()])
      const length = context.length(32)
      const seen = new Set<string>()
      for (const [i, helper] of [one, two].entries()) {
        const accepted = context.accept(server)
        await helper.call('connect', { address: server.address })
        const channel = await accepted
        const received = channel.receive()
        await helper.call('send', { seed: i, length })
        const message = await received
        assert(message !== null)
        seen.add(digest(message))
      }
      assert.equal(server.channels.size, 2)
      if (length >= 4) assert.equal(seen.size, 2)
    },
  },
  {
    promise: 11,
    title: 'closing a server closes its channels and removes its name, which is free again',
    requires: [named, makesNames],
    async run(context) {
      const address = context.address()
      const { helper, server, channel } = await context.meet(address)
      const closing = server.close()
      assert.equal(server.close(), closing)
      await closing
      assert.equal(channel.state, 'closed')
      assert.equal(server.channels.size, 0)
      assert.equal((await server[Symbol.asyncIterator]().next()).done, true)
      // An object that has no life without its name lives as long as either side.
      await helper.call('close', {})
      assert.deepEqual(filesOf(address), [])
      await rejects(connect(address, { timeout: 5000 }), 'ERR_IPC_NOT_FOUND')
      const again = await context.listen(address)
      await again.close()
      assert.deepEqual(filesOf(address), [])
    },
  },
  {
    promise: 11,
    title: 'what a listener makes is the user’s alone, whatever the umask',
    requires: [named, makesNames],
    async run(context) {
      const before = process.umask(0)
      try {
        const address = context.address()
        await context.listen(address)
        const modes = modesOf(address)
        for (const [object, mode] of modes) assert.equal(mode, 0o600, object)
        if (modes.size === 0) throw new Absent('what it makes has no permissions of its own')
      } finally {
        process.umask(before)
      }
    },
  },
  {
    promise: 11,
    title: 'after both sides closed nothing of a name remains',
    requires: [named, makesNames],
    async run(context) {
      const owner = await context.helper()
      const other = await context.helper()
      const address = context.address()
      await owner.call('listen', { address })
      const accepted = owner.call('accept', { as: 'main' })
      await other.call('connect', { address })
      await accepted
      await other.call('send', { seed: 1, length: context.length(16) })
      await Promise.all([owner.call('close', {}), other.call('close', {})])
      await owner.call('closeServer', {})
      assert.deepEqual(filesOf(address), [])
      assert.equal(systemVOf(owner.pid) + systemVOf(other.pid), 0, 'System V objects')
    },
  },
  {
    promise: 11,
    title: 'what a killed listener left is swept, and its name is free again; a living one’s is left alone',
    ends: true,
    requires: [named, makesNames],
    async run(context) {
      const [dead, living] = await Promise.all([context.helper(), context.helper()])
      const [address, kept] = [context.address(), context.address()]
      await dead.call('listen', { address })
      await living.call('listen', { address: kept })
      const standing = filesOf(kept)
      await context.kill(dead)
      sweep()
      assert.deepEqual(filesOf(address), [])
      assert.equal(systemVOf(dead.pid), 0, 'System V objects')
      assert.deepEqual(filesOf(kept), standing)
      await context.listen(address)
      const accepted = living.call('accept', { as: 'main' })
      await context.connect(kept)
      assert.equal(await accepted, true)
    },
  },
  {
    promise: 11,
    title: 'after both sides were killed nothing remains once it is swept',
    ends: true,
    requires: [named, makesNames],
    async run(context) {
      const [owner, other] = await Promise.all([context.helper(), context.helper()])
      const address = context.address()
      await owner.call('listen', { address })
      const accepted = owner.call('accept', { as: 'main' })
      await other.call('connect', { address })
      await accepted
      for (const helper of [other, owner]) {
        await context.kill(helper)
      }
      sweep()
      assert.deepEqual(filesOf(address), [])
      assert.equal(systemVOf(owner.pid) + systemVOf(other.pid), 0, 'System V objects')
    },
  },
  {
    promise: 14,
    title: 'a peer killed in the middle of a flood leaves the name usable',
    ends: true,
    requires: [named, counts, crashSafe],
    async run(context) {
      const address = context.address()
      const { helper, server, channel } = await context.meet(address)
      helper.call('send', { seed: 0, length: context.length(512), count: 1_000_000 }).catch(() => {})
      assert.notEqual(await channel.receive(), null)
      await helper.kill()
      channel.destroy()
      await server.close()
      const second = await context.meet(context.subject.rendezvous === 'network' ? context.address() : address)
      await second.helper.call('send', { seed: 1, length: context.length(16) })
      const message = await second.channel.receive()
      assert(message !== null)
      assert.equal(digest(message), digest(context.payload(1, 16)))
    },
  },
  {
    promise: 8,
    title: 'a listener that is stopped, and then killed, does not hang who connects',
    ends: true,
    requires: [named],
    async run(context) {
      const helper = await context.helper()
      const address = await helper.call('listen', { adapter: context.adapter.id })
      await context.freeze(helper.pid)
      const outcome = connect(address, { timeout: 300 }).then(
        (channel) => context.own(channel),
        (error) => assert.match(String(codeOf(error)), /^ERR_IPC_/),
      )
      await outcome
      await helper.kill()
      sweep()
    },
  },
  {
    promise: 8,
    title: 'a connector that is killed while it waits leaves the listener listening',
    ends: true,
    requires: [named],
    async run(context) {
      const [doomed, helper] = await Promise.all([context.helper(), context.helper()])
      const address = await context.unheard()
      doomed.call('connect', { address: context.url(address), options: { waitForPeer: true } }).catch(() => {})
      await doomed.call('ping')
      await context.kill(doomed)
      const server = await context.listen(address)
      const accepted = context.accept(server)
      await helper.call('connect', { address: server.address })
      assert.equal((await accepted).state, 'open')
    },
  },
  {
    promise: 12,
    title: 'a peer that allow refuses gets no channel',
    requires: [named],
    async run(context) {
      const helper = await context.helper()
      const asked: (number | undefined)[] = []
      const server = await context.listen(context.address(), {
        allow(peer) {
          asked.push(peer?.pid)
          return peer === undefined
        },
      })
      const first = server[Symbol.asyncIterator]().next()
      const connected = helper.call('connect', { address: server.address, options: { timeout: 2000 } })
      await connected.catch(() => {})
      // Who connects may be told so before the listener has looked.
      while (asked.length === 0) await turn()
      if (asked.every((pid) => pid === undefined)) throw new Absent('the mechanism does not tell who the peer is')
      const outcome = await connected.then(
        async () => (await helper.call('receiveAll', {})).end,
        (error) => codeOf(error) ?? '',
      )
      assert(asked.includes(helper.pid))
      assert(outcome === null || outcome.startsWith('ERR_IPC_'), String(outcome))
      assert(await pending(first), 'the server yielded the refused peer')
    },
  },
  {
    promise: 10,
    title: 'an open server keeps its process alive, and unref or closing lets it end',
    ends: true,
    requires: [named],
    async run(context) {
      const helper = await context.helper()
      await helper.call('listen', { adapter: context.adapter.id })
      await helper.call('release')
      await helper.call('ping')
      await helper.call('closeServer', {})
      assert.deepEqual(await helper.exited, { code: 0, signal: null })
    },
  },
  {
    promise: 11,
    title: 'the address of a server leads to it as a URL and as an object',
    requires: [connects, named],
    async run(context) {
      const address = context.address()
      const url = context.url(address)
      const parsed = context.adapter.parse(new URL(url))
      assert.equal(context.adapter.format(parsed), url, 'parse and format are each other’s inverse')
      const server = await context.listen(address)
      assert.match(server.address, new RegExp(`^${context.adapter.scheme.replace('+', '\\+')}:`))
    },
  },
]
