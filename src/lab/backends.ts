/** What this machine can make a link of. */
import { Company, unavailable } from '../stage/company.js'
import { Lab } from './lab.js'
import { BACKENDS, type Backend } from './link.js'

export interface BackendTrial {
  readonly backend: Backend
  /** What it lacks here; undefined: stories run over it. */
  readonly unavailable: string | undefined
}

const MAKE: Readonly<Record<Backend, (lab: Lab) => Promise<unknown>>> = {
  wire: (lab) => lab.wired(),
  gate: (lab) => lab.gated(),
  netem: (lab) => lab.emulated(),
}

/** Makes a link of each, and clears it away. */
export async function tryBackends(): Promise<readonly BackendTrial[]> {
  const trials: BackendTrial[] = []
  for (const backend of BACKENDS) trials.push({ backend, unavailable: unavailable() ?? (await failureOf(() => tryOut(MAKE[backend]))) })
  return trials
}

async function tryOut(make: (lab: Lab) => Promise<unknown>): Promise<void> {
  const company = await Company.gather()
  const lab = new Lab(company)
  try {
    await make(lab)
  } finally {
    await lab.clear()
    await company.close()
  }
}

async function failureOf(trial: () => Promise<void>): Promise<string | undefined> {
  try {
    await trial()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
