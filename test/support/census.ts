/** What stands on this machine that this library could have made. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A run folder of its own, so that nobody else's objects are in it. */
export class PrivateRunFolder {
  readonly env: NodeJS.ProcessEnv
  readonly #base: string
  readonly folder: string

  constructor() {
    this.#base = mkdtempSync(join(tmpdir(), 'ipc-test-'))
    this.folder = join(this.#base, 'ipc-playground')
    mkdirSync(this.folder, { mode: 0o700 })
    this.env = { XDG_RUNTIME_DIR: this.#base }
  }

  entries(): string[] {
    return readdirSync(this.folder)
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true })
  }

  /** Processes that live under this run folder. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => environmentOf(pid).includes(`XDG_RUNTIME_DIR=${this.#base}\0`) && stateOf(pid) !== 'Z')
  }
}

const environmentOf = (pid: number): string => readOr(`/proc/${pid}/environ`)
const stateOf = (pid: number): string => /\) (\S)/.exec(readOr(`/proc/${pid}/stat`))?.[1] ?? 'Z'

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
