// Prints "passed failed skipped" from vitest's JSON report, counting as a failure what the report has no test for; and, as
// errors, what failed and why, so that it can be said once more where everything ends.

import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface Report {
  numTotalTests: number
  numPassedTests: number
  numFailedTests: number
  success: boolean
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[]
  }[]
}

/** Characters of a failure's message that are enough to see what it was about. */
const enough = 1500

const [file = '', exitCode = '1'] = process.argv.slice(2)
const report: Report = JSON.parse(readFileSync(file, 'utf8'))
const { numTotalTests: total, numPassedTests: passed } = report
// A file that could not be loaded, and a run that ended badly for another reason (an unhandled error, a teardown).
const unloaded = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(test => test.status === 'failed'),
)
let failed = report.numFailedTests + unloaded.length
if (failed === 0 && (exitCode !== '0' || passed === 0)) {
  failed = 1
  tell(
    'the run as a whole',
    `${passed} tests passed, and the exit code was ${exitCode}: see the errors above the figures`,
  )
}
console.log(passed, failed, total - passed - report.numFailedTests)

for (const { name, message, assertionResults } of report.testResults) {
  const file = relative('', name)
  for (const { status, fullName, failureMessages } of assertionResults)
    if (status === 'failed') tell(`${file}: ${fullName}`, failureMessages.join('\n'))
  if (unloaded.some(other => other.name === name)) tell(file, message)
}

function tell(what: string, why: string): void {
  console.error(`FAILED: ${what}\n${why.slice(0, enough).replace(/^/gm, '    ')}`)
}
