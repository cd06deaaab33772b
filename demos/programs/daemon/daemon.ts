import { isIpcError, json, serve, signals, typed } from 'ipc-playground'

interface Job {
  id: number
}

function checkJob(value: unknown): Job {
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'number')
    throw new TypeError('a job has an id')
  return { id: value.id }
}

const [path = '/run/user/1000/jobs.sock'] = process.argv.slice(2)
const codec = json<Job, { ok: boolean }>(checkJob)
await using server = await serve(
  { adapter: 'socket/unix', path },
  async (channel) => {
    const jobs = typed(channel, codec)
    for await (const job of jobs) await jobs.send({ ok: job.id > 0 })
  },
  {
    maxPeers: 100,
    onError: (error) => {
      if (isIpcError(error) && error.code !== 'ERR_IPC_PEER_GONE') console.log(`daemon: ${error.code}, ${error.cause}`)
    },
  },
)
for await (const signal of signals(['SIGTERM'])) {
  console.log(`daemon: ${signal.name} ${signal.pid === process.ppid ? 'from the parent' : ''}`)
  break
}
await server.close({ timeout: 5000 })
