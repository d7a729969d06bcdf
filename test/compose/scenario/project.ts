// What every compose command of the tests has in common, in the tests themselves and in their preparation.

import { isolatedEnvironment } from '../../../scripts/lib/isolated-environment.ts'

export { root } from '../../../scripts/lib/root.ts'

/** Every project of a test run is named after the run's process, so that a later run can remove what is left of it. */
export const projectPrefix = 'schemagate-test-'

/** The environment of every compose command: the images built for tests, and nothing of a developer's own settings. */
export const environment = isolatedEnvironment('test')
