/** Where one story of the network is played: its hosts, the link between them, and the record of what happened. */

import { programAt } from '../core/program-at.js'
import type { Company } from '../stage/company.js'
import { Skip, Stage } from '../stage/stage.js'
import { type Step, Story } from '../stage/story.js'
import { Gate } from './gate.js'
import { type Host, hostOnTun, hostsInOneNetwork } from './host.js'
import type { Barrier } from './link.js'
import { Recorder } from './recorder.js'
import { Wire, type WireOptions } from './wire.js'

/** What was predicted did not come. */
export class Refuted extends Error {
  override name = 'Refuted'
}

/** Two hosts and what joins them. */
export interface Network<L extends Barrier = Barrier> {
  readonly A: Host
  readonly B: Host
  readonly link: L
}

/** What the two hosts of a link are called. RFC 5737 */
export const [ADDRESS_A, ADDRESS_B] = ['192.0.2.1', '192.0.2.2'] as const

export class Lab {
  readonly recorder = new Recorder()
  readonly stage: Stage
  backend = 'loopback'
  readonly #open: { close(): void }[] = []

  constructor(company: Company, onStep?: (step: Step) => void) {
    const story = new Story((step) => {
      this.recorder.write({ note: step.role === undefined ? step.text : `${step.role} ${step.pid}: ${step.text}` })
      onStep?.(step)
    })
    this.stage = new Stage(company, story)
  }

  /** Two hosts, joined by a wire. @throws Skip where this machine cannot have one */
  async wired(options?: WireOptions): Promise<Network<Wire>> {
    const [a, b] = await this.stage.story.hush(async () => [
      await this.#opened(() => hostOnTun(this.stage, 'A', ADDRESS_A, this.recorder)),
      await this.#opened(() => hostOnTun(this.stage, 'B', ADDRESS_B, this.recorder)),
    ])
    const link = new Wire({ A: a.end, B: b.end }, this.recorder, options)
    this.#open.push(link)
    this.backend = link.backend
    this.intend(`Two hosts, ${ADDRESS_A} and ${ADDRESS_B}, each a network of its own, joined by a wire of ours.`)
    return { A: a.host, B: b.host, link }
  }

  /** The same, by a wire or, where there is none, by a gate. @throws Skip where this machine has neither */
  async joined(): Promise<Network> {
    try {
      return await this.wired()
    } catch (error) {
      if (!(error instanceof Skip) || programAt('nft') === undefined) throw error
    }
    const { A, B } = await this.stage.story.hush(() => hostsInOneNetwork(this.stage, { A: ADDRESS_A, B: ADDRESS_B }, this.recorder))
    this.#open.push(A, B)
    this.backend = 'gate'
    this.intend(`Two hosts, ${ADDRESS_A} and ${ADDRESS_B}, in one network of their own, with a gate between them.`)
    return { A, B, link: new Gate({ A, B }) }
  }

  /** What the next steps are for. */
  intend(text: string): void {
    this.stage.intend(text)
  }

  /** Tells what is seen, where it is as predicted. @throws Refuted where it is not */
  expect(holds: boolean, text: string): void {
    if (!holds) throw new Refuted(text)
    this.stage.observe(text)
  }

  async #opened<T extends { readonly host: Host }>(make: () => Promise<T>): Promise<T> {
    const made = await make()
    this.#open.push(made.host)
    return made
  }

  async clear(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) one.close()
    await this.stage.clear()
  }
}
