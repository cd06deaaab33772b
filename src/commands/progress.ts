/** What a long command shows on standard error: a bar with the time left on a terminal, else a line a step. */
import { SingleBar } from 'cli-progress'

export interface Progress {
  /** `fraction` of all work is done; `leftMs` remain. `what` is being done. */
  update(fraction: number, leftMs: number, what: string): void
  stop(): void
}

const STEPS = 1000

export function startProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY === true ? bar(stream) : lines(stream)
}

function bar(stream: NodeJS.WriteStream): Progress {
  const shown = new SingleBar({
    stream,
    format: '{bar} {percentage}% · {left} left · {what}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    gracefulExit: false, // whoever handles signals stops it
    fps: 5,
  })
  shown.start(STEPS, 0, { left: '–', what: '' })
  return {
    update: (fraction, leftMs, what) => shown.update(Math.floor(STEPS * Math.min(1, fraction)), { left: duration(leftMs), what }),
    stop: () => shown.stop(),
  }
}

function lines(stream: NodeJS.WriteStream): Progress {
  const shown = new Set<string>()
  return {
    update(fraction, leftMs, what) {
      if (shown.has(what)) return
      shown.add(what)
      stream.write(`${String(Math.floor(100 * fraction)).padStart(3)}% ${what} (${duration(leftMs)} left)\n`)
    },
    stop() {},
  }
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
