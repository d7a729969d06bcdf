// Writes the repository's address into the packages' manifests, before they are packed: npm's provenance needs it, and a
// checkout does not know it. From the argument, or from what GitHub's runners set.

import { readFileSync, writeFileSync } from 'node:fs'

const { GITHUB_SERVER_URL = 'https://github.com', GITHUB_REPOSITORY } = process.env
const address = process.argv[2] ?? (GITHUB_REPOSITORY && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`)

if (address === undefined || !/^https:\/\/[\w.-]+(?:\/[\w.-]+){2,}$/.test(address)) {
  console.error('Usage: npm run set-repository -- https://HOST/OWNER/NAME (or set GITHUB_REPOSITORY=OWNER/NAME).')
  process.exitCode = 2
} else {
  for (const directory of ['gate', 'migrator']) {
    const file = `${directory}/package.json`
    const manifest = {
      ...JSON.parse(readFileSync(file, 'utf8')),
      homepage: `${address}#readme`,
      bugs: `${address}/issues`,
      repository: { type: 'git', url: `git+${address}.git`, directory },
    }
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
  }
}
