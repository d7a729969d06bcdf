// An image's name, taken apart.

export interface Image {
  readonly text: string
  /** Without registry and tag: `bitnami/postgresql`. */
  readonly repository: string
  /** The last part: `postgresql`. */
  readonly name: string
  /** Empty where there is none. */
  readonly tag: string
  readonly hasDigest: boolean
}

/** Takes `registry/owner/name:tag@digest` apart. */
export function parseImage(text: string): Image {
  const [reference = '', digest] = text.trim().split('@')
  const colon = reference.lastIndexOf(':')
  const hasTag = colon > reference.lastIndexOf('/') && !/^\$\{[^}]*$/.test(reference.slice(0, colon))
  const path = hasTag ? reference.slice(0, colon) : reference
  const parts = path.split('/')
  const isRegistry = parts.length > 1 && (/[.:]/.test(parts[0]!) || parts[0] === 'localhost')
  const repository = (isRegistry ? parts.slice(1) : parts)
    .join('/')
    .replace(/^library\//, '')
    .toLowerCase()
  return {
    text,
    repository,
    name: repository.split('/').at(-1)!,
    tag: hasTag ? reference.slice(colon + 1) : '',
    hasDigest: digest !== undefined,
  }
}
