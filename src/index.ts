/**
 * Every way that two processes on one machine can talk, behind one Channel.
 * @module ipc-playground
 */
export type {} from './adapters/all.js'
export * from './core/channel.js'
export { IpcError, type IpcErrorCode, isIpcError } from './core/errors.js'
export { type ProcessIdentity, processIdentity } from './core/process-identity.js'
export { connect, listen, openReceiver, openSender } from './core/rendezvous.js'
export { joinParent, spawnPeer } from './core/spawn.js'
export { type DuplexOptions, toDuplex } from './layers/duplex.js'
export { type FragmentedChannel, type FragmentedOptions, fragmented } from './layers/fragmented.js'
export { type HybridChannel, type HybridOptions, hybrid } from './layers/hybrid/index.js'
export { merge } from './layers/merge.js'
export { type Requester, type Responder, requester, respond } from './layers/requests/index.js'
export { type Handler, type ServeOptions, type Service, serve } from './layers/serve.js'
export { type Codec, json, type TypedChannel, typed } from './layers/typed.js'
export { type Lock, type Mutex, type MutexPlace, openMutex } from './sync/mutex.js'
export { openSemaphore, type Permit, type Semaphore, type SemaphoreKind, type SemaphoreOptions } from './sync/semaphore.js'
export {
  openSharedMemory,
  type SharedMemoryBuffer,
  type SharedMemoryOptions,
  type SharedMemoryToken,
} from './sync/shared-memory-buffer.js'
export type { SignalName } from './sync/signal-name.js'
export { type SignalInfo, type Signals, sendSignal, signals } from './sync/signals.js'
