// Prints "passed failed skipped" from vitest's JSON report, counting as a failure what the report has no test for.

import { readFileSync } from 'node:fs'

interface Report {
  numTotalTests: number
  numPassedTests: number
  numFailedTests: number
  success: boolean
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[]
}

const [file = '', exitCode = '1'] = process.argv.slice(2)
const report: Report = JSON.parse(readFileSync(file, 'utf8'))
const { numTotalTests: total, numPassedTests: passed } = report
// A file that could not be loaded, and a run that ended badly for another reason (an unhandled error, a teardown).
const unloaded = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(test => test.status === 'failed'),
)
let failed = report.numFailedTests + unloaded.length
if (failed === 0 && (exitCode !== '0' || passed === 0)) failed = 1
console.log(passed, failed, total - passed - report.numFailedTests)
