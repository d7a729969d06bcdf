// Removes secrets from every text that leaves the process.

/** The placeholder of our own messages, postgres://user:password@host, is left as it is. */
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/'"]*):(?!password@host:5432\/database)([^\s/'"]+)@(?=[^\s@]*)/gi
const keywordPassword = /\b(password|passwd|pwd|pgpassword)(\s*=\s*|"\s*:\s*")('(?:[^'\\]|\\.)*'|[^\s'",;&}]+)/gi
const sqlPassword = /\b(password)(\s+)(E?'(?:[^']|'')*')/gi

/** Hides what looks like a password in SQL, at the same width, so that what stands behind it stays in place. */
export function hideSecrets(text: string): string {
  const stars = (secret: string) => '*'.repeat(secret.length)
  return text
    .replace(urlPassword, (_, before: string, secret: string) => `${before}:${stars(secret)}@`)
    .replace(keywordPassword, (_, word: string, between: string, secret: string) => `${word}${between}${stars(secret)}`)
    .replace(sqlPassword, (_, word: string, between: string, value: string) => {
      const quoted = /^(E?')(.*)(')$/is.exec(value)!
      return `${word}${between}${quoted[1]}${stars(quoted[2]!)}'`
    })
}

/**
 * A function that replaces the given secrets, and whatever looks like a password in a connection string, by `***`.
 * A secret of fewer than four characters is left to the patterns: replacing it everywhere would make the text unreadable.
 */
export function redactor(secrets: readonly (string | undefined)[] = []): (text: string) => string {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret === undefined || secret.length < 4) continue
    // half of a surrogate pair cannot be percent-encoded
    const whole = secret.toWellFormed()
    for (const form of [secret, encodeURIComponent(whole), encodeURI(whole), JSON.stringify(secret).slice(1, -1)])
      forms.add(form)
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  return text => {
    let out = text
    for (const form of longestFirst) out = out.replaceAll(form, '***')
    // an excerpt that is hidden already keeps its width, for the caret under it; a variable's name is no secret
    const unlessHidden = (all: string, secret: string, shown: string) =>
      /^(\*+|\$\{[A-Za-z_]\w*\}?)$/.test(secret) ? all : shown
    return out
      .replace(urlPassword, (all, before: string, secret: string) => unlessHidden(all, secret, `${before}:***@`))
      .replace(keywordPassword, (all, word: string, between: string, secret: string) =>
        unlessHidden(all, secret, `${word}${between}***`),
      )
      .replace(sqlPassword, (all, word: string, between: string, value: string) =>
        unlessHidden(all, value.replace(/^E?'|'$/gi, ''), `${word}${between}'***'`),
      )
  }
}

/**
 * The same for a line of JSON: its values are redacted one by one, so that it stays JSON whatever a secret contains, and
 * keeps its keys even if a password is `event`.
 */
export function redactLine(redact: (text: string) => string, line: string): string {
  const value = (key: string, raw: unknown): unknown =>
    typeof raw !== 'string' ? raw : /^(password|passwd|pwd|pgpassword)$/i.test(key) ? '***' : redact(raw)
  try {
    return `${JSON.stringify(JSON.parse(line, value))}\n`
  } catch {
    return redact(line)
  }
}
