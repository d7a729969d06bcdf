// The token that protects the page and the metrics, if one is set.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Only its digest is kept: comparing digests takes the same time whatever length the texts have. */
export class Token {
  readonly #digest: Buffer

  constructor(token: string) {
    this.#digest = digestOf(token)
  }

  /** As `Authorization: Bearer TOKEN`, or as the password of Basic, which browsers ask for. Takes the same time for any. */
  isIn({ authorization = '' }: IncomingHttpHeaders): boolean {
    const [, scheme = '', credentials = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? []
    return timingSafeEqual(
      digestOf(scheme.toLowerCase() === 'basic' ? passwordOf(credentials) : credentials),
      this.#digest,
    )
  }
}

function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString()
  return text.slice(text.indexOf(':') + 1)
}

/** Of one length, whatever was given. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
