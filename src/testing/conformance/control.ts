/** The control sockets of a run: how the suite tells its peers what to do, apart from the mechanism under test. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileKind, runFolder, type Tracked, track } from '../../core/janitor.js'
import type { OperationName, OptionsOf, ValueOf } from '../operations.js'

/** An operation that failed in the peer; `code` is the code of the error there. */
export class RemoteError extends Error {
  readonly code: string | undefined
  constructor(operation: string, { code, name, message }: { code?: string; name: string; message: string }) {
    super(`in the peer, ${operation}: ${name}: ${message}`)
    this.code = code
  }
}

interface Answer {
  id?: number
  value?: unknown
  error?: { code?: string; name: string; message: string }
}

/** One peer's end of the control socket. */
export class Control {
  readonly #socket: Socket
  readonly #pending = new Map<number, { operation: string; resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 0
  #over = false
  /** What the peer said without being asked. */
  #lastWord: Answer | undefined
  readonly closed: Promise<Answer | undefined>

  constructor(socket: Socket) {
    this.#socket = socket
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.#over = true
        for (const { operation, reject } of this.#pending.values())
          reject(new RemoteError(operation, { name: 'Gone', message: 'the peer has gone' }))
        this.#pending.clear()
        resolve(this.#lastWord)
      }),
    )
  }

  answered(answer: Answer): void {
    const pending = answer.id === undefined ? undefined : this.#pending.get(answer.id)
    if (answer.id === undefined || pending === undefined) {
      this.#lastWord = answer
      return
    }
    this.#pending.delete(answer.id)
    if (answer.error === undefined) pending.resolve(answer.value)
    else pending.reject(new RemoteError(pending.operation, answer.error))
  }

  call<Name extends OperationName>(
    operation: Name,
    ...[options]: OptionsOf<Name> extends undefined ? [] : [OptionsOf<Name>]
  ): Promise<ValueOf<Name>> {
    const id = this.#next++
    const answered = new Promise<ValueOf<Name>>((resolve, reject) => {
      this.#pending.set(id, { operation, resolve: resolve as (value: unknown) => void, reject })
    })
    if (this.#over) this.answered({ id, error: { name: 'Gone', message: 'the peer has gone' } })
    else this.#socket.write(`${JSON.stringify({ id, operation, options: options ?? {} })}\n`)
    answered.catch(() => {}) // some calls are made for what they do
    return answered
  }

  gone(): boolean {
    return this.#over
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Listens for the control sockets of all peers of one run. */
export class Switchboard {
  readonly path = join(runFolder(), `${randomBytes(6).toString('hex')}.control`)
  #name: Tracked | undefined
  readonly #server: Server
  readonly #expected = new Map<string, (control: Control) => void>()
  readonly #sockets = new Set<Socket>()

  private constructor() {
    this.#server = createServer((socket) => this.#connected(socket))
  }

  static async open(): Promise<Switchboard> {
    const board = new Switchboard()
    board.#server.listen(board.path)
    await once(board.#server, 'listening')
    board.#name = track(fileKind, board.path)
    return board
  }

  /** A token to be passed to a peer, and the control socket of the peer that presents it. */
  expect(): { token: string; control: Promise<Control> } {
    const token = randomBytes(8).toString('hex')
    return {
      token,
      control: new Promise((resolve) => {
        this.#expected.set(token, resolve)
      }),
    }
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket)
    const control = new Control(socket)
    let rest = ''
    socket.on('error', () => {}) // 'close' follows
    socket.once('close', () => this.#sockets.delete(socket))
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const said = JSON.parse(line) as Answer & { token?: string }
        if (said.token === undefined) control.answered(said)
        else {
          this.#expected.get(said.token)?.(control)
          this.#expected.delete(said.token)
        }
      }
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#name?.remove()
    this.#server.close()
  }
}
