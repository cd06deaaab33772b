/** The ladder to ten thousand clients: four ways to serve them, and where each has to stop. */
import { freemem } from 'node:os'
import { entering } from '../../src/lab/host.js'
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import type { Actor } from '../../src/stage/actor.js'
import { call } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { descriptorLimit } from '../../src/stage/kernel.js'
import type { Stage } from '../../src/stage/stage.js'
import { inUnits, MODELS, type Model, nextRung, OPENING_MS, RUNGS, type Rung } from './c10k/ladder.js'
import { measured, program, type Site } from './c10k/measured.js'

const FIRST_PORT = 7000
/** KiB that a rung may cost: no more than this, nor than a third of what is free. */
const MOST_MEMORY = 5 * 1024 ** 2

export default defineStory({
  name: 'c10k',
  title: 'Ten thousand clients of one server',
  prediction:
    'a process or a thread a connection costs megabytes and tens of milliseconds, and stops at hundreds; an event loop costs kilobytes and no task, and stops where its descriptors end',
  citation: 'D. Kegel, The C10K problem; Stevens, UNIX Network Programming 1, chapter 30; epoll(7); socket(7), SO_REUSEPORT',
  slow: true,
  async play(lab) {
    const network = await lab.stage.story.hush(() => ownNetwork(lab.stage))
    const load = await lab.stage.node('load', [program('load')], { through: entering(network.pid), quiet: true })
    lab.intend('A network of its own. A program opens the connections and has each answered; then it asks them in turn, ten at a time.')
    const ladders = new Map<Model, readonly Rung[]>()
    const site = { lab, network, load, port: FIRST_PORT }
    for (const model of Object.keys(MODELS) as Model[]) ladders.set(model, await climb(site, model))
    judge(lab, ladders)
  },
})

/** With the machine's own table of sockets, not one for a few: it has twenty thousand. */
async function ownNetwork(stage: Stage): Promise<Actor> {
  const holder = await stage.apart('network', K.CLONE_NEWNET)
  await holder.must(call('interface_up', 'lo'))
  return holder
}

/** Plays rung after rung. */
async function climb(site: Site, model: Model): Promise<readonly Rung[]> {
  const { lab, load } = site
  const rungs: Rung[] = []
  lab.intend(`${MODELS[model].text}.`)
  for (let next: number | string = RUNGS[0]; typeof next === 'number'; ) {
    const rung: Rung | string = await measured(site, model, next)
    if (typeof rung === 'string') next = `of ${next}, ${rung}`
    else {
      rungs.push(rung)
      tell(lab, model, rung)
      next = nextRung(rung, {
        ms: OPENING_MS - rungs.reduce((sum, { loaded }) => sum + loaded.openingMs, 0),
        memory: Math.min(MOST_MEMORY, freemem() / 1024 / 3),
        descriptors: descriptorLimit(load.pid),
      })
    }
    if (typeof next === 'string') stop(lab, model, rungs, next)
  }
  return rungs
}

function tell(lab: Lab, model: Model, { connections, loaded, memory, tasks, dealt }: Rung): void {
  const curve = (name: string, value: number) =>
    lab.recorder.write({ sample: { name: `${name} ${model}`, value, over: { name: 'connections', value: connections } } })
  curve('first answer (ms)', loaded.first.median)
  curve('latency (ms)', loaded.latency.median)
  curve('latency, 99 % (ms)', loaded.latency.p99)
  curve('memory a connection (KiB)', memory)
  curve('tasks a connection', tasks)
  const { first, latency } = loaded
  lab.stage.observe(
    `${String(connections).padStart(5)}: first answer after ${ms(first.median)}, later ones ${ms(latency.median)} (99 %: ${ms(latency.p99)}); a connection costs ${inUnits(memory)}, ${counted(tasks)}${dealt.length > 1 ? `; dealt out ${dealt.join(' + ')}` : ''}`,
  )
}

const counted = (tasks: number): string => (Math.round(tasks) === 1 ? '1 task' : `${Math.round(tasks)} tasks`)

const ms = (value: number): string => `${value < 10 ? value.toPrecision(2) : Math.round(value)} ms`

/** The curve ends there, and the trace says why. */
function stop(lab: Lab, model: Model, rungs: readonly Rung[], reason: string): void {
  const top = rungs.at(-1)
  if (top === undefined) throw new Error(`${model}: ${reason}`)
  lab.recorder.write({ sample: { name: `top (connections) ${model}`, value: top.connections, end: reason } })
  lab.stage.observe(`It stops at ${top.connections}: ${reason}.`)
}

function judge(lab: Lab, ladders: ReadonlyMap<Model, readonly Rung[]>): void {
  const endsOf = (model: Model): { bottom: Rung; top: Rung } => {
    const [bottom, top] = [ladders.get(model)?.at(0), ladders.get(model)?.at(-1)]
    if (bottom === undefined || top === undefined) throw new Error(`${model} was not played`)
    return { bottom, top }
  }
  const [reactor, multi] = [endsOf('reactor'), endsOf('multi-reactor')]
  const reactorTop = reactor.top
  lab.intend('Side by side.')
  for (const model of ['process', 'thread'] as const) {
    const { tasks, memory, loaded, connections } = endsOf(model).top
    const times = Math.round(memory / reactorTop.memory)
    lab.expect(tasks >= 1, `${model}: a connection means ${counted(tasks)} more to schedule`)
    lab.expect(times > 20, `${model}: it costs ${inUnits(memory)}, ${times} times what it costs a reactor`)
    lab.expect(
      loaded.first.median > 3 * reactorTop.loaded.first.median,
      `${model}: its first answer takes ${ms(loaded.first.median)}, that of a reactor ${ms(reactorTop.loaded.first.median)}`,
    )
    lab.expect(connections <= reactorTop.connections, `${model}: ${connections} connections, a reactor ${reactorTop.connections}`)
  }
  for (const [model, { bottom, top }] of [
    ['reactor', reactor],
    ['multi-reactor', multi],
  ] as const) {
    lab.expect(
      Math.round(top.tasks * top.connections) === 0,
      `${model}: with ${top.connections} connections not one task more than without`,
    )
    const [few, many] = [ms(bottom.loaded.latency.median), ms(top.loaded.latency.median)]
    lab.stage.observe(`${model}: a request takes ${few} among ${bottom.connections} connections, ${many} among ${top.connections}`)
  }
  const { connections, dealt } = multi.top
  lab.expect(Math.min(...dealt) > connections / dealt.length / 2, `multi-reactor: the kernel deals them out, ${dealt.join(' + ')}`)
}
