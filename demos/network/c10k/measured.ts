/** One rung: a server that has served nobody else, with so many connections. */
import { fileURLToPath } from 'node:url'
import { entering } from '../../../src/lab/host.js'
import type { Lab } from '../../../src/lab/lab.js'
import type { Actor } from '../../../src/stage/actor.js'
import { until } from '../../../src/stage/actor-process.js'
import { costOf, descendantsOf, descriptorsOf } from '../../../src/stage/kernel.js'
import type { NodeProcess } from '../../../src/stage/node-process.js'
import { MODELS, type Model, OPENING_MS, type Rung } from './ladder.js'
import type { Answer, Order } from './load.js'

const REQUESTS = 2000

export const program = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))

/** Where the ladder stands. */
export interface Site {
  readonly lab: Lab
  /** The process whose network it is. */
  readonly network: Actor
  readonly load: NodeProcess
  /** That of the last server: the next gets another, for connections of the last may linger. */
  port: number
}

/** Answers the reason where it did not come so far. */
export async function measured(site: Site, model: Model, connections: number): Promise<Rung | string> {
  const { lab, network, load } = site
  const port = ++site.port
  const server = await lab.stage.node(model, [program(MODELS[model].program), String(port)], {
    through: entering(network.pid),
    quiet: true,
  })
  try {
    await server.told()
    const ask = async (order: Omit<Order, 'port' | 'patienceMs'>) => {
      load.ask({ ...order, port, patienceMs: OPENING_MS } satisfies Order)
      return (await load.told()) as Answer
    }
    const fresh = { ...costOf(server.pid), open: openIn(server) }
    // What a program learns with its first client is no cost of the others.
    await ask({ connections: MODELS[model].warm, requests: REQUESTS })
    await ask({ connections: 0, requests: 0 })
    await until(() => costOf(server.pid).tasks <= fresh.tasks && sum(openIn(server)) <= sum(fresh.open))
    const idle = costOf(server.pid)
    const loaded = await ask({ connections, requests: Math.max(REQUESTS, connections) })
    if ('failure' in loaded) return loaded.failure
    const busy = costOf(server.pid)
    const dealt = openIn(server).map((open, at) => open - (fresh.open[at] ?? 0))
    return {
      connections,
      loaded,
      memory: Math.max(0, busy.memory - idle.memory) / connections,
      tasks: (busy.tasks - idle.tasks) / connections,
      dealt: model === 'multi-reactor' ? dealt.slice(1) : [],
    }
  } finally {
    await server.end()
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

/** How many descriptors the server has open, and each process that it started. */
const openIn = (server: NodeProcess): readonly number[] =>
  [server.pid, ...descendantsOf(server.pid)].map((pid) => descriptorsOf(pid).length)
