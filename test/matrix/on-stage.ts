import { Skip, Stage, type Subject, subjects, unavailable } from 'ipc-playground/matrix'
import { type TestContext, test } from 'vitest'
import { Company } from '../../src/stage/company.js'

/** A test on a stage of its own, cleared at its end. Its mechanisms are those of `keys`: without one of them it is skipped. */
export function onStage(
  name: string,
  keys: readonly Subject['key'][],
  experiment: (stage: Stage, ...used: Subject[]) => Promise<void>,
): void {
  const used = keys.flatMap((key) => subjects.find((subject) => subject.key === key) ?? [])
  const reason = unavailable() ?? used.map((subject) => subject.unavailable?.()).find((why) => why !== undefined)
  test.skipIf(reason !== undefined)(name, async (context: TestContext) => {
    const company = await Company.gather()
    const stage = new Stage(company)
    try {
      await experiment(stage, ...used)
    } catch (error) {
      if (error instanceof Skip) context.skip(error.message)
      throw error
    } finally {
      await stage.clear()
      await company.close()
    }
  })
}
