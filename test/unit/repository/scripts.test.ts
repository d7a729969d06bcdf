// The command line of the project's own scripts: what is wrong with it is said, and nothing is done.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../../../scripts/lib/root.ts'

test.for([
  ['release/deploy.ts', ['--tag', '1.0.0', '--tag', '1.1.0'], '--tag is given twice'],
  ['stack/up.ts', ['--port', '8001', '--port=8002'], '--port is given twice'],
  ['stack/down.ts', ['-v', '--volumes'], '--volumes is given twice'],
  ['stack/down.ts', ['--volumes', '--project', ''], '--project is empty'],
  ['stack/up.ts', ['--state='], '--state is empty'],
  ['stack/up.ts', ['--project', 'My Shop'], '--project My Shop: Compose wants small letters'],
  ['stack/down.ts', ['--port', '8001'], "Unknown option '--port'"],
  ['stack/smoke.ts', ['--url', 'http://localhost', '--project', 'shop'], '--project has no effect with --url'],
  ['release/restore.ts', ['--form', 'x'], "Unknown option '--form'"],
] as const)('%s %s: %s', async ([script, args, problem]) => {
  const run = promisify(execFile)(process.execPath, [`scripts/${script}`, ...args], { cwd: root })
  await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(problem), stdout: '' })
})
