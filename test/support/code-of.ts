import { isIpcError } from 'ipc-playground'

/** The code of what a promise rejects with, or the error as text; undefined where it resolves. */
export const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error) => (isIpcError(error) ? error.code : String(error)),
  )
