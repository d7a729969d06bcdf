// SASLprep (RFC 4013): the form in which a password with other letters than ASCII becomes a SCRAM verifier.

// RFC 3454, tables C.1.2 and B.1, in Postgres' order: what is in both becomes a space.
const NON_ASCII_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const MAPPED_TO_NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu

// Tables C.2 to C.9, what may not come out: controls, private use, non-characters, surrogates, tags.
const PROHIBITED =
  /\u0340|\u0341|[\p{Cc}\p{Co}\p{Cs}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\ufdd0-\ufdef\ufeff\ufff9-\uffff\u2ff0-\u2ffb]/u
// Beyond the basic plane most of what exists was unassigned in Unicode 3.2, which the RFC goes by.
const BEYOND_BASIC_PLANE = /[\u{10000}-\u{10ffff}]/u

/**
 * Prepares a password as Postgres and its clients do.
 * @returns undefined when clients would not agree: Postgres and libpq take a password with prohibited or unassigned
 * characters as it is, others normalise it none the less.
 */
export function saslprep(password: string): string | undefined {
  const mapped = password.replace(NON_ASCII_SPACES, ' ').replace(MAPPED_TO_NOTHING, '')
  const prepared = mapped.normalize('NFKC')
  if (prepared === password) return password
  return prepared === '' || PROHIBITED.test(mapped) || BEYOND_BASIC_PLANE.test(mapped) ? undefined : prepared
}
