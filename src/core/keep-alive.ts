/** One timer that keeps the process alive while anything open wants it to. */
const LONGEST = 2 ** 31 - 1
let holders = 0
let timer: NodeJS.Timeout | undefined

/** Held by each open channel and server; `ref`, `unref` and closing change it. */
export class KeepAlive {
  #holding = false

  hold(on: boolean): void {
    if (on === this.#holding) return
    this.#holding = on
    holders += on ? 1 : -1
    if (holders > 0 && timer === undefined) timer = setInterval(() => {}, LONGEST)
    if (holders === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}
