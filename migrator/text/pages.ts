// Where the pages of the documentation are, for texts that name one: `docs/gate.md`.

import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'

declare const __dirname: string | undefined

/** Of the package's bundle, whose launcher hands its folder in, or of this file in a checkout. */
export const here = typeof __dirname === 'string' ? __dirname : import.meta.dirname

/**
 * The text with each page named by its path: seen from the current folder where it is below that. Where no pages are, as
 * in an image, they stay as they are.
 */
export function withPages(text: string): string {
  return text.replace(/\bdocs\/[\w-]+\.md\b/g, page => {
    // `dist/cli` has them beside it, and a checkout at its root
    const path = [join(here, '..', page), join(here, '../..', page)].find(one => existsSync(one))
    if (path === undefined) return page
    const seen = relative('.', path)
    return seen.startsWith('..') ? path : seen
  })
}
