/** What a host lacks is no failure. */
import { Skip } from '../stage/stage.js'

/** @throws Skip with `need` and what `trial` failed of */
export async function orSkip<T>(need: string, trial: () => Promise<T>): Promise<T> {
  try {
    return await trial()
  } catch (error) {
    throw new Skip(`${need}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
