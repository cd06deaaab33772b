/** The part of cli-progress 3 that is used here; it brings no types. */
declare module 'cli-progress' {
  export interface Options {
    format?: string
    stream?: NodeJS.WritableStream
    hideCursor?: boolean
    clearOnComplete?: boolean
    linewrap?: boolean
    fps?: number
    barCompleteChar?: string
    barIncompleteChar?: string
    gracefulExit?: boolean
  }
  export class SingleBar {
    constructor(options: Options)
    start(total: number, startValue: number, payload?: object): void
    update(value: number, payload?: object): void
    stop(): void
  }
}
