// The migrator's image: what was made when it was built, no run makes again.

import { expect, inject, test } from 'vitest'
import { $ } from 'zx'
import { environment } from '../scenario/project.ts'

const stripTypes = 'NativeModule internal/deps/amaro/dist/index'

const load = `import(fs.globSync('/migrations/*.ts')[0]).then(() => console.log(JSON.stringify(process.moduleLoadList)))`

test('a migration in TypeScript is loaded as JavaScript, without what takes its types away', async ({ skip }) => {
  const why = inject('whyNoCompose')
  if (why !== null) skip(why)
  const loadedBy = (...options: readonly string[]): Promise<string[]> =>
    $({
      quiet: true,
    })`docker run --rm --read-only --network none ${options} --entrypoint node schemagate-migrator:${environment.IMAGE_TAG} -e ${load}`.json()
  expect(await loadedBy()).not.toContain(stripTypes)
  expect(await loadedBy('--env', 'NODE_COMPILE_CACHE=')).toContain(stripTypes)
})
