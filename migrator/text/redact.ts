// Removes secrets from every text that leaves the process.

/** The placeholder of our own messages, postgres://user:password@host, is left as it is. */
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/'"]*):(?!password@host:5432\/database)([^\s/'"]+)@(?=[^\s@]*)/gi

const anyWord = /password|passwd|pwd/i
/** Also `sslpassword` and `db_password`; quoted as a name in SQL, too. */
const word = String.raw`\b(?<word>\w*(?:password|passwd|pwd)"?)`
/** A literal inside of another one, of a DO block or in the text of an EXECUTE. */
const inner = String.raw`''(?=[^'\s;,)&])[^']*(?:''''[^']*)*(?:''|$)`

/** `password = ...` of a connection string or in SQL, `"password": "..."` of JSON. */
const keywordPassword = new RegExp(
  String.raw`${word}(?<between>\s*=\s*|\s*:\s*(?="))(?<value>${inner}|'(?:[^'\\]|\\.|'')*(?:'|$)|(?<=:\s*)"(?:[^"\\]|\\.)*(?:"|$)|[^\s'",;&}]+)`,
  'gis',
)

/** Bounded, so that a long text takes no longer than its length. */
const gap = String.raw`(?:\s|/\*.{0,200}?\*/|--[^\n]{0,200}\n)+`
/** A literal of SQL in any form, and one whose end was cut off. */
const literal = String.raw`E'(?:[^'\\]|\\.|'')*(?:'|$)|(?:E|N|U&)?(?:${inner}|'[^']*(?:''[^']*)*(?:'|$))|\$(?<tag>\w*)\$.*?(?:\$\k<tag>\$|$)`
/** Where the password is put into the text: by format() with `%L`, or with `'... password ' || 'secret'`. What follows holds it. */
const insertion = String.raw`%(?:\d+\$)?[Ls][^,;]{0,500},|'+\s*\|\|`
const sqlPassword = new RegExp(
  String.raw`${word}(?<between>${gap})(?:(?<into>${insertion})(?<rest>.*?)(?=;\s*?(?:[\r\n]|$)|$)|(?<literal>${literal}))`,
  'gis',
)

const quotes = /^((?:E|N|U&)?(?:'{1,2}|\$\w*\$))(.*?)('{1,2}|\$\w*\$)?$/is

/** The text with `hide` instead of what looks like a password in a connection string, in JSON or in SQL. */
function hidePasswords(
  text: string,
  hide: (secret: string) => string,
  hideLiteral: (open: string, secret: string, close: string) => string,
): string {
  // what is hidden already keeps its width, for the caret under it; a variable's name is no secret
  const isHidden = (secret: string) => /^([*\s]*|\$\{[A-Za-z_]\w*\}?)$/.test(secret)
  const out = text.includes('://')
    ? text.replace(urlPassword, (all, before: string, secret: string) =>
        isHidden(secret) ? all : `${before}:${hide(secret)}@`,
      )
    : text
  // nearly every line of a log has no such word, and the patterns take a run with nothing to do a fiftieth of its time
  if (!anyWord.test(out)) return out
  return out
    .replace(keywordPassword, (all: string, ...found: unknown[]) => {
      const { word, between, value } = found.at(-1) as Record<string, string>
      if (isHidden(value!)) return all
      return `${word}${between}${value!.startsWith('"') ? hideLiteral('"', value!.slice(1, -1), '"') : hide(value!)}`
    })
    .replace(sqlPassword, (all: string, ...found: unknown[]) => {
      const { word, between, into, rest, literal } = found.at(-1) as Record<string, string | undefined>
      if (literal === undefined) return isHidden(rest!) ? all : `${word}${between}${into}${hide(rest!)}`
      const [, open, secret, close = ''] = quotes.exec(literal)!
      return isHidden(secret!) ? all : `${word}${between}${hideLiteral(open!, secret!, close)}`
    })
}

/** Hides what looks like a password in SQL, at the same width and in as many lines, so that what stands behind it stays in place. */
export function hideSecrets(text: string): string {
  const stars = (secret: string) => secret.replace(/[^\r\n]/g, '*')
  return hidePasswords(text, stars, (open, secret, close) => `${open}${stars(secret)}${close}`)
}

/**
 * A function that replaces the given secrets, and whatever looks like a password in a connection string or in SQL, by `***`.
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
    return hidePasswords(
      out,
      () => '***',
      open => (open === '"' ? '"***"' : "'***'"),
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
