/** ipc-playground/adapter: what an adapter of another package is made of. `docs/testing.md` shows one. */
export {
  type Acceptor,
  type Adapter,
  type ConnectContext,
  defineAdapter,
  type Endpoint,
  type InheritOffer,
  type ListenContext,
  type OpenContext,
  type Outbox,
  type RawZeroCopy,
  READABLE,
  type ThreadOffer,
  WRITABLE,
} from './core/adapter.js'
export { fileKind, runFolder, type Tracked, trackNew } from './core/janitor.js'
export { NodeStreamEndpoint } from './core/node-stream-endpoint.js'
export { registerAdapter } from './core/registry.js'
