import { joinParent, signals } from 'ipc-playground'

const parent = await joinParent()
const stop = new AbortController()
void parent.receive().then(() => stop.abort()) // at its end

const reloads = signals(['SIGHUP', 'SIGRTMIN+1'], { signal: stop.signal })
await parent.send(new Uint8Array())
try {
  for await (const { name, pid, value } of reloads) {
    console.log(`${name} from ${pid === parent.peer?.pid ? 'the parent' : pid}, value ${value}: reload`)
    await parent.send(new Uint8Array())
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
}
await parent.close()
