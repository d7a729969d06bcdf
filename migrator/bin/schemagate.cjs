#!/usr/bin/env node
// The command. A file of its own beside the bundle: npm links a command only if its file is there at install time.
try {
  require('../dist/schemagate.cjs')
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes('dist/schemagate.cjs')) throw error
  console.error('schemagate is not built yet. Run: npm run build')
  process.exitCode = 2
}
