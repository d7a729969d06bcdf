// The same compose file under testcontainers, as a team would use it in tests of their own.

import { expect } from 'vitest'
import { registerAndLogIn } from '../scenario/client.ts'
import { root } from '../scenario/project.ts'
import { test } from '../scenario/stack.ts'

test('testcontainers brings the stack up and takes it down again', async ({ stack }) => {
  // Ryuk removes what a killed run leaves behind, but needs an image of its own; the fixture sees to that here.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const { DockerComposeEnvironment, Wait } = await import('testcontainers')
  const environment = await new DockerComposeEnvironment(root, 'docker-compose.yml')
    .withProjectName(stack.project)
    .withEnvironment({ APP_PORT: `${stack.port}`, IMAGE_TAG: 'test' })
    .withWaitStrategy('app-1', Wait.forHealthCheck())
    .withWaitStrategy('postgres-1', Wait.forHealthCheck())
    .up()
  try {
    await registerAndLogIn(stack.url)
  } finally {
    await environment.down({ removeVolumes: true })
  }
  expect(await stack.container('app')).toBeUndefined()
})
