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
    const [, scheme = '', credentials = ''] = /^(bearer|basic) +(.+)$/i.exec(authorization) ?? []
    // Node reads the bytes of a header as latin1; a token is UTF-8
    const given = scheme.toLowerCase() === 'basic' ? passwordOf(credentials) : Buffer.from(credentials, 'latin1')
    return timingSafeEqual(digestOf(given), this.#digest)
  }
}

function passwordOf(credentials: string): Buffer {
  const bytes = Buffer.from(credentials, 'base64')
  return bytes.subarray(bytes.indexOf(':') + 1)
}

/** Of one length, whatever was given. */
function digestOf(token: string | Buffer): Buffer {
  return createHash('sha256').update(token).digest()
}
