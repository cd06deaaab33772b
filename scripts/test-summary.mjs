// What failed, and as the last line of a test run `N passed, N failed, N skipped`. Status 1 where something failed.
//
//   node scripts/test-summary.mjs STATUS-OF-TESTS STATUS-OF-MAIN-JOB REPORT…
//
// The reports are vitest's, in JSON. The main job counts where it failed, and the tests where they failed
// outside of any test: a build, a check, what they left behind.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

const MESSAGE_LINES = 12

function tell(report, file, title, message) {
  const lines = message.trimEnd().split('\n')
  console.log(`FAILED (${basename(report, '.json')}) ${basename(file)}: ${title}`)
  for (const line of lines.slice(0, MESSAGE_LINES)) console.log(`    ${line}`)
  if (lines.length > MESSAGE_LINES) console.log(`    (${lines.length - MESSAGE_LINES} lines more in ${report})`)
}

const sum = { passed: 0, failed: 0, skipped: 0 }
const [tests, main, ...reports] = process.argv.slice(2)
for (const path of reports) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(path, 'utf8'))
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === 'failed')
    for (const { fullName, failureMessages } of failed) tell(path, name, fullName, failureMessages.join('\n'))
    if (status === 'failed' && failed.length === 0) tell(path, name, 'the file itself', message)
  }
  sum.passed += numPassedTests
  sum.failed += numFailedTests
  sum.skipped += numPendingTests + numTodoTests
  // A file that could not be loaded has no tests.
  sum.failed += testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length
}
if (tests !== '0' && sum.failed === 0) sum.failed++
if (main !== '0') sum.failed++
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)
