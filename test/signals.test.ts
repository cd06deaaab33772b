/** Signals taken and sent between processes: who, what, how many, in which order, and what is left behind. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import {
  isIpcError,
  listen,
  openReceiver,
  processIdentity,
  type SignalInfo,
  type SignalName,
  type Signals,
  sendSignal,
  signals,
} from 'ipc-playground'
import { afterEach, describe, expect, test } from 'vitest'

const NOBODY = 65534
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const uid = process.getuid?.() ?? 0

const open: Signals[] = []
const children: ChildProcess[] = []

function taken(names: readonly SignalName[], signal?: AbortSignal): Signals {
  const iterator = signals(names, { signal })
  open.push(iterator)
  return iterator
}

/** Of each thread of this process its name and what the kernel blocks there; of one that is ending nothing. proc_pid_status(5) */
const statuses = () =>
  readdirSync('/proc/self/task').flatMap((tid) => {
    try {
      const status = readFileSync(`/proc/self/task/${tid}/status`, 'utf8')
      const [name, blocked] = [/^Name:\s*(.*)/m, /^SigBlk:\s*(.*)/m].map((field) => field.exec(status)?.[1])
      return [{ tid, name, blocked }]
    } catch {
      return []
    }
  })
const isTaking = ({ name }: { name: string | undefined }) => name === 'ipc-signals'
const masks = () => statuses().filter((status) => !isTaking(status))

afterEach(async () => {
  for (const iterator of open.splice(0)) iterator.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
  // The kernel still lists a thread for a moment when pthread_join(3) has returned.
  while (statuses().some(isTaking)) await turn()
})

async function next(iterator: Signals): Promise<SignalInfo> {
  const { value, done } = await iterator.next()
  if (done) throw new Error('ended')
  return value
}

/** All that is there, after it was closed. */
async function rest(iterator: Signals): Promise<SignalInfo[]> {
  iterator.close()
  const all = []
  for await (const info of iterator) all.push(info)
  return all
}

/** A fixture's process, its answers one by one, and how it ended. */
function started(role: string, ...args: string[]) {
  const child = spawn(process.execPath, [fixture('signal-taker.js'), role, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  const answer = async () => {
    while (!text.includes('\n')) await once(child.stdout, 'data')
    const line = text.slice(0, text.indexOf('\n'))
    text = text.slice(line.length + 1)
    return JSON.parse(line)
  }
  return { child, pid: child.pid ?? 0, exited, answer }
}

function sender(...args: (string | number)[]): Promise<[number | null]> {
  const child = spawn(process.execPath, [fixture('signal-sender.js'), ...args.map(String)], { stdio: 'inherit' })
  children.push(child)
  return once(child, 'exit') as Promise<[number | null]>
}

/** sigqueue(3) from Python, `count` times, with values from 0 on. */
const queueFromPython = (pid: number, offset: number, count: number) => `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
print(os.getpid(), flush=True)
value = 0
while value < ${count}:
    if libc.sigqueue(${pid}, libc.__libc_current_sigrtmin() + ${offset}, ctypes.c_void_p(value)) == 0: value += 1
    elif ctypes.get_errno() != 11: sys.exit(ctypes.get_errno())
`

const codeOf = (run: () => unknown) => {
  try {
    run()
    return 'nothing'
  } catch (error) {
    return isIpcError(error) ? error.code : String(error)
  }
}

describe('signals', () => {
  test("tells who sent: a shell's kill, procps's kill with a value, Python, Node", async () => {
    const iterator = taken(['SIGHUP', 'SIGRTMIN+1', 'SIGRTMIN+2'])
    const shell = Number(
      execFileSync('bash', ['-c', `kill -HUP ${process.pid}; kill -s RTMIN+1 ${process.pid}; echo $$`], { encoding: 'utf8' }),
    )
    expect(await next(iterator)).toEqual({ name: 'SIGHUP', pid: shell, uid, value: undefined })
    expect(await next(iterator)).toEqual({ name: 'SIGRTMIN+1', pid: shell, uid, value: undefined })
    const python = Number(execFileSync('python3', ['-c', queueFromPython(process.pid, 2, 2)], { encoding: 'utf8' }))
    expect(await next(iterator)).toEqual({ name: 'SIGRTMIN+2', pid: python, uid, value: 0 })
    expect(await next(iterator)).toEqual({ name: 'SIGRTMIN+2', pid: python, uid, value: 1 })
    for (const value of [7, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      sendSignal(process.pid, 'SIGRTMIN+1', value)
      expect(await next(iterator)).toEqual({ name: 'SIGRTMIN+1', pid: process.pid, uid, value })
    }
    sendSignal(process.pid, 'SIGHUP', 9)
    expect(await next(iterator)).toEqual({ name: 'SIGHUP', pid: process.pid, uid, value: 9 })
    sendSignal(process.pid, 'SIGHUP')
    expect(await next(iterator)).toEqual({ name: 'SIGHUP', pid: process.pid, uid, value: undefined })
    sendSignal(process.pid, 'SIGRTMIN+1')
    expect(await next(iterator)).toEqual({ name: 'SIGRTMIN+1', pid: process.pid, uid, value: 0 })
  })

  test.skipIf(uid !== 0)('one from another user has that user', async () => {
    const iterator = taken(['SIGHUP'])
    // Sent by a process that may, as root, with the real user of another. credentials(7)
    const script = `import os, signal; os.setresuid(${NOBODY}, 0, 0); os.kill(${process.pid}, signal.SIGHUP)`
    execFileSync('python3', ['-c', script])
    expect((await next(iterator)).uid).toBe(NOBODY)
  })

  test.each([
    'node',
    'python',
  ])('of 5000 real-time ones from %s none is lost, and none overtakes, while other threads work', async (from) => {
    const count = 5000
    const iterator = taken(['SIGRTMIN+1'])
    let busy = true
    const work = (): unknown => busy && pbkdf2('a', 'b', 1000, 32, 'sha256', work)
    for (let i = 0; i < 4; i++) work()
    const exited =
      from === 'node'
        ? sender(process.pid, 'SIGRTMIN+1', count)
        : once(spawn('python3', ['-c', queueFromPython(process.pid, 1, count)], { stdio: 'ignore' }), 'exit')
    const values = []
    while (values.length < count) values.push((await next(iterator)).value)
    busy = false
    expect(values).toEqual(Array.from({ length: count }, (_, i) => i))
    expect((await exited)[0]).toBe(0)
    expect(await rest(iterator)).toEqual([])
  }, 30_000)

  test('of a shell, 200 at once', async () => {
    const iterator = taken(['SIGRTMIN+3'])
    execFileSync('bash', ['-c', `for i in {1..200}; do kill -s RTMIN+3 ${process.pid}; done`])
    expect(await rest(iterator)).toHaveLength(200)
  })

  test('what nobody reads yet waits in the kernel, and close leaves it to be read', async () => {
    const count = 5000
    const iterator = taken(['SIGRTMIN+1'])
    for (let i = 0; i < count; i++) sendSignal(process.pid, 'SIGRTMIN+1', i)
    expect((await next(iterator)).value).toBe(0)
    expect((await rest(iterator)).map(({ value }) => value)).toEqual(Array.from({ length: count - 1 }, (_, i) => i + 1))
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  test('where the kernel has no room the sender is told, and loses nothing', async () => {
    const { child, pid, exited, answer } = started('late', 'SIGRTMIN+1')
    expect(await answer()).toBe('ready')
    // Counted for all processes of the user; the queue here takes 1024, the kernel's at most 64.
    execFileSync('prlimit', ['--pid', String(pid), '--sigpending=64:'])
    let sent = 0
    let code = 'nothing'
    while (code === 'nothing' && sent < 10_000) {
      code = codeOf(() => sendSignal(pid, 'SIGRTMIN+1', sent))
      if (code === 'nothing') sent++
      else if (sent < 1024) {
        code = 'nothing' // the receiver's thread has not come to take them
        await turn()
      }
    }
    expect(code).toBe('ERR_IPC_FULL')
    expect(sent).toBeLessThanOrEqual(1024 + 64)
    child.stdin.write('\n')
    expect(await answer()).toEqual(Array.from({ length: sent }, (_, i) => i))
    expect(await exited).toEqual([0, null])
  })

  test('standard ones that are pending at one time are one', async () => {
    const iterator = taken(['SIGHUP'])
    for (let i = 0; i < 50; i++) sendSignal(process.pid, 'SIGHUP')
    const all = await rest(iterator)
    expect(all.length).toBeGreaterThan(0)
    expect(all.length).toBeLessThanOrEqual(50)
  })

  test('taken from the moment of the call', async () => {
    const { pid, exited, answer } = started('atOnce')
    expect(await answer()).toEqual({ name: 'SIGTERM', pid, uid })
    expect(await answer()).toEqual({ name: 'SIGRTMIN+1', pid, uid, value: 5 })
    expect(await exited).toEqual([0, null])
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends a daemon in an orderly way, then at once', async (name) => {
    const { pid, exited, answer } = started('once', name)
    expect(await answer()).toBe('ready')
    process.kill(pid, name)
    expect(await answer()).toEqual({ name, pid: process.pid })
    expect(await answer()).toBe('stopped')
    expect(await exited).toEqual([0, null])
    const closed = started('closed', name)
    expect(await closed.answer()).toBe('ready')
    process.kill(closed.pid, name)
    expect(await closed.exited).toEqual([null, name])
  })

  test('leaves every thread as it was, also what some had blocked by themselves', async () => {
    const before = masks()
    const first = taken(['SIGHUP', 'SIGRTMIN+1', 'SIGTERM'])
    expect(masks()).not.toEqual(before)
    const blockedInChild = execFileSync('cat', ['/proc/self/status'], { encoding: 'utf8' })
    expect(blockedInChild).toMatch(/^SigBlk:\s*0+$/m)
    const second = taken(['SIGTERM', 'SIGWINCH'])
    sendSignal(process.pid, 'SIGTERM')
    for await (const { name } of first) {
      expect(name).toBe('SIGTERM')
      break
    }
    expect(await next(second)).toMatchObject({ name: 'SIGTERM' })
    expect(await first.next()).toEqual({ value: undefined, done: true })
    second.close()
    second.close()
    expect(masks()).toEqual(before)
    for (let i = 0; i < 20; i++) signals(['SIGHUP']).close()
    expect(masks()).toEqual(before)
  })

  test('every iterator gets it, here and in a worker thread; so does process.on', async () => {
    const [a, b] = [taken(['SIGWINCH', 'SIGRTMIN+1']), taken(['SIGWINCH'])]
    const thread = new Worker(fixture('signal-taker.js'), { argv: ['forever', 'SIGWINCH', 'SIGRTMIN+1'] })
    expect(await once(thread, 'message')).toEqual(['ready'])
    const heard = once(process, 'SIGWINCH')
    const told = once(thread, 'message')
    execFileSync('bash', ['-c', `kill -WINCH ${process.pid}`])
    expect(await next(a)).toMatchObject({ name: 'SIGWINCH' })
    expect(await next(b)).toMatchObject({ name: 'SIGWINCH' })
    expect(await told).toEqual([{ name: 'SIGWINCH', value: undefined }])
    await heard
    // A thread that is ended in the middle takes nothing with it.
    const again = once(thread, 'message')
    sendSignal(process.pid, 'SIGRTMIN+1', 3)
    expect(await again).toEqual([{ name: 'SIGRTMIN+1', value: 3 }])
    await thread.terminate()
    for (let i = 0; i < 100; i++) sendSignal(process.pid, 'SIGRTMIN+1', i)
    expect((await rest(a)).map(({ value }) => value)).toEqual([3, ...Array.from({ length: 100 }, (_, i) => i)])
  })

  test('a listener of process.on that came before, or that goes meanwhile', async () => {
    const hears = () => {
      heard++
    }
    let heard = 0
    process.on('SIGHUP', hears)
    const iterator = taken(['SIGHUP'])
    const send = async () => {
      sendSignal(process.pid, 'SIGHUP')
      await next(iterator)
      await turn()
      await turn()
    }
    await send()
    expect(heard).toBe(1)
    process.off('SIGHUP', hears)
    await send()
    expect(heard).toBe(1)
  })

  test("process.on('SIGURG') hears, although threads are reached with it", async () => {
    const heard = once(process, 'SIGURG')
    const iterator = taken(['SIGHUP'])
    execFileSync('bash', ['-c', `kill -URG ${process.pid}`])
    await heard
    sendSignal(process.pid, 'SIGHUP')
    await next(iterator)
  })

  test('abort ends it with the reason, and what waits', async () => {
    const before = masks()
    const reason = new Error('enough')
    const controller = new AbortController()
    const iterator = taken(['SIGHUP'], controller.signal)
    const waiting = [iterator.next(), iterator.next()]
    controller.abort(reason)
    for (const one of [...waiting, iterator.next()]) await expect(one).rejects.toBe(reason)
    expect(masks()).toEqual(before)
    expect(() => signals(['SIGHUP'], { signal: controller.signal })).toThrow(reason)
    const other = new AbortController()
    const loop = async () => {
      for await (const _ of signals(['SIGHUP'], { signal: other.signal })) other.abort(reason)
    }
    const ended = loop()
    sendSignal(process.pid, 'SIGHUP')
    await expect(ended).rejects.toBe(reason)
  })

  test('calls of next are served in their order, and end with close or return', async () => {
    const iterator = taken(['SIGRTMIN+1'])
    const waiting = [iterator.next(), iterator.next(), iterator.next(), iterator.next()]
    sendSignal(process.pid, 'SIGRTMIN+1', 1)
    sendSignal(process.pid, 'SIGRTMIN+1', 2)
    expect((await waiting[0])?.value.value).toBe(1)
    sendSignal(process.pid, 'SIGRTMIN+1', 3)
    iterator.close()
    expect((await waiting[1])?.value.value).toBe(2)
    expect((await waiting[2])?.value.value).toBe(3)
    expect((await waiting[3])?.done).toBe(true)
    const other = taken(['SIGRTMIN+1'])
    const last = other.next()
    await other.return()
    expect((await last).done).toBe(true)
  })

  test('receive gives up by timeout and signal alone, and loses nothing by it', async () => {
    const taker = taken(['SIGRTMIN+1'])
    const reason = new Error('enough')
    const controller = new AbortController()
    const brief = taker.receive({ timeout: 1 })
    const given = taker.receive({ signal: controller.signal })
    const patient = taker.receive({ timeout: 60_000 })
    await expect(brief).rejects.toMatchObject({ code: 'ERR_IPC_TIMEOUT', address: 'SIGRTMIN+1' })
    controller.abort(reason)
    await expect(given).rejects.toBe(reason)
    await expect(taker.receive({ signal: controller.signal })).rejects.toBe(reason)
    for (const value of [1, 2, 3]) sendSignal(process.pid, 'SIGRTMIN+1', value)
    expect((await patient)?.value).toBe(1)
    expect((await taker.receive())?.value).toBe(2)
    expect((await next(taker)).value).toBe(3)
    taker.close()
    expect(await taker.receive()).toBeNull()
    expect(taker.tryReceive()).toBeNull()
  })

  test('receiveSync sleeps in the kernel until another process sends', async () => {
    const taker = taken(['SIGRTMIN+2'])
    expect(taker.tryReceive()).toBeNull()
    expect(() => taker.receiveSync({ timeout: 1 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    const asleep = `until grep -qE '^(poll_schedule_timeout|do_sys_poll|do_poll)' /proc/${process.pid}/wchan; do :; done`
    const child = spawn('bash', ['-c', `${asleep}; kill -36 ${process.pid}`])
    children.push(child)
    expect(taker.receiveSync()).toMatchObject({ name: 'SIGRTMIN+2', pid: child.pid })
    const waiting = taker.receive()
    expect(() => taker.receiveSync()).toThrow(expect.objectContaining({ code: 'ERR_IPC_BUSY' }))
    expect(taker.tryReceive()).toBeNull()
    taker.close()
    expect(await waiting).toBeNull()
    expect(taker.receiveSync()).toBeNull()
    expect(() => taker.receiveSync({ timeout: -1 })).toThrow(RangeError)
  })

  test('does not keep the process alive after unref', async () => {
    const { exited, answer } = started('idle', 'SIGHUP')
    expect(await answer()).toBe('ready')
    expect(await exited).toEqual([0, null])
  })

  test('bad input', () => {
    expect(() => signals([])).toThrow(TypeError)
    expect(() => signals('SIGHUP' as unknown as SignalName[])).toThrow(TypeError)
    for (const name of ['HUP', 'SIGNONE', 'SIGRTMIN', 'SIGRTMIN+01', 'SIGRTMIN+-1', 'SIGRTMIN+1.5', 'toString', 1])
      expect(() => signals([name as SignalName]), String(name)).toThrow(TypeError)
    for (const name of ['SIGKILL', 'SIGSTOP', 'SIGSEGV', 'SIGABRT', 'SIGPIPE', 'SIGUSR1', 'SIGPROF', 'SIGSTKFLT', 'SIGURG'] as const)
      expect(() => signals([name]), name).toThrow(RangeError)
    for (const name of ['SIGRTMIN+5', 'SIGRTMIN+6', 'SIGRTMIN+31', 'SIGRTMIN+99'] as const)
      expect(() => signals(['SIGHUP', name]), name).toThrow(RangeError)
    expect(statuses().some(isTaking)).toBe(false)
  })

  test('a number is for channels or for iterators', async () => {
    const receiver = await openReceiver('signal+standard://self')
    expect(codeOf(() => signals(['SIGHUP', 'SIGUSR2']))).toBe('ERR_IPC_BUSY')
    await receiver.close()
    const iterator = taken(['SIGUSR2'])
    const listening = await listen('signal+standard://self').catch((error) => error)
    expect(listening).toMatchObject({ code: 'ERR_IPC_BUSY' })
    sendSignal(process.pid, 'SIGUSR2')
    expect(await next(iterator)).toMatchObject({ name: 'SIGUSR2' })
    iterator.close()
    await (await listen('signal+standard://self')).close()
  })
})

describe('sendSignal', () => {
  test.skipIf(uid !== 0)('a process of another user: ERR_IPC_PERMISSION', async () => {
    const script = `const { sendSignal } = await import(${JSON.stringify(import.meta.resolve('ipc-playground'))})
      process.setuid(${NOBODY})
      try { sendSignal(${process.pid}, 'SIGTERM') } catch (error) { console.log(error.code, error.syscall) }`
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe(
      'ERR_IPC_PERMISSION pidfd_send_signal\n',
    )
  })

  test('a process that there is not, or no more: ERR_IPC_NOT_FOUND', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    const pid = child.pid ?? 0
    const identity = processIdentity(pid)
    const exited = once(child, 'exit')
    sendSignal(identity, 'SIGKILL')
    // Ended, and not yet asked after: this thread has not let the event loop do so.
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')));
    expect(codeOf(() => sendSignal(pid, 'SIGHUP'))).toBe('ERR_IPC_NOT_FOUND')
    expect(await exited).toEqual([null, 'SIGKILL'])
    expect(codeOf(() => sendSignal(pid, 'SIGHUP'))).toBe('ERR_IPC_NOT_FOUND')
    expect(codeOf(() => sendSignal(identity, 'SIGHUP'))).toBe('ERR_IPC_NOT_FOUND')
    expect(codeOf(() => processIdentity(pid))).toBe('ERR_IPC_NOT_FOUND')
    expect(codeOf(() => sendSignal(2 ** 22, 'SIGHUP'))).toBe('ERR_IPC_NOT_FOUND')
    const thread =
      readdirSync('/proc/self/task')
        .map(Number)
        .find((tid) => tid !== process.pid) ?? 0
    expect(codeOf(() => sendSignal(thread, 'SIGHUP'))).toBe('ERR_IPC_NOT_FOUND')
  })

  test('a process that has the pid of the one that was meant: ERR_IPC_NOT_FOUND', async () => {
    const iterator = taken(['SIGHUP'])
    const now = processIdentity(process.pid)
    expect(JSON.parse(JSON.stringify(now))).toEqual(now)
    expect(processIdentity(process.ppid).started).not.toBe(now.started)
    // As a pid file from before tells, when the pid has come round to this process.
    const before = { pid: process.pid, started: processIdentity(process.ppid).started }
    expect(codeOf(() => sendSignal(before, 'SIGHUP'))).toBe('ERR_IPC_NOT_FOUND')
    sendSignal(now, 'SIGHUP', 1)
    expect(await rest(iterator)).toMatchObject([{ value: 1 }])
  })

  test('bad input', () => {
    for (const pid of [0, -1, 2 ** 22 + 1]) expect(() => sendSignal(pid, 'SIGHUP'), String(pid)).toThrow(RangeError)
    for (const pid of [1.5, '1', undefined, null, {}]) expect(() => sendSignal(pid as number, 'SIGHUP'), String(pid)).toThrow(TypeError)
    expect(() => sendSignal(process.pid, 'SIGNONE' as 'SIGHUP')).toThrow(TypeError)
    for (const value of [1.5, 2 ** 31, -(2 ** 31) - 1, Number.NaN])
      expect(() => sendSignal(process.pid, 'SIGHUP', value)).toThrow(RangeError)
    expect(() => sendSignal(process.pid, 'SIGHUP', '1' as unknown as number)).toThrow(TypeError)
    expect(() => processIdentity(0)).toThrow(RangeError)
  })
})
