#!/usr/bin/env node
// The command. A file of its own beside the bundle: npm links a command only if its file is there at install time.
// In a checkout, this finds the database of the stack that `npm run up` started, where none is configured.
const runningStack = require('node:path').join(__dirname, '../../scripts/stack/running-database.ts')
const isCheckout = require('node:fs').existsSync(runningStack)
if (isCheckout) process.env.SCHEMAGATE_RUNNING_STACK ??= runningStack
try {
  require('../dist/schemagate.cjs')
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes('dist/schemagate.cjs')) throw error
  console.error(
    isCheckout
      ? 'schemagate is not built yet. Run: npm run build'
      : `A part of schemagate itself is gone: ${require('node:path').join(__dirname, '../dist')}. Install it again.`,
  )
  process.exitCode = 2
}
