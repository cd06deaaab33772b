/** Every cell of the matrix, a test each. */
import assert from 'node:assert/strict'
import { allCells, runCell, unavailable } from 'ipc-playground/matrix'
import { afterAll, beforeAll, test } from 'vitest'
import { Company } from '../../src/stage/company.js'

const reason = unavailable()
let company: Company

beforeAll(async () => {
  if (reason === undefined) company = await Company.gather()
})
afterAll(async () => {
  if (reason === undefined) await company.close()
})

for (const { property, subject } of allCells())
  test.skipIf(reason !== undefined)(`${property.id} ${property.name} › ${subject.key}`, async (context) => {
    const result = await runCell(property, subject, { company })
    if (result.verdict === 'skipped') context.skip(result.reason)
    assert(result.verdict === 'pass' || result.verdict === 'not-applicable', result.reason)
  })
