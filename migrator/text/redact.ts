// Removes secrets from every text that leaves the process.

/** The placeholder of our own messages, postgres://user:password@host, is left as it is. */
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/'"]*):(?!password@host:5432\/database)([^\s/'"]+)@(?=[^\s@]*)/gi

const names = 'password|passwd|pwd|passphrase|secret'
const anyWord = new RegExp(String.raw`${names}|\bcrypt\s*\(`, 'i')
/** Also `sslpassword` and `db_password`; quoted as a name in SQL, too. */
const word = String.raw`\b(?<word>\w*(?:${names})"?)`
/** A literal inside of another one, of a DO block or in the text of an EXECUTE. */
const inner = String.raw`''(?=[^'\s;,)&])[^']*(?:''''[^']*)*(?:''|$)`
/** A value inside of E'...', and a text inside of JSON. */
const escaped = String.raw`\\'(?:[^'\\]|\\[^'])*(?:\\'|$)|\\"(?:[^"\\]|\\[^"])*(?:\\"|$)`
/** A literal in which nothing is escaped, also inside of another one; and a quoted name. */
const plain = String.raw`''[^'\\]+''(?!')|(?:E|N|U&)?'[^'\\]*'|\$\w*\$[^$]*\$\w*\$|"[^"]*"`
/** What may stand in brackets, with so many more of them inside. In a comment a quote is none: it is left to {@link call}. */
const inBrackets = (depth: number): string =>
  String.raw`(?:(?!--|/\*)[^()'"$;\\]|${plain}${depth > 0 ? String.raw`|\(${inBrackets(depth - 1)}\)` : ''}){0,500}`
const brackets = String.raw`(?:[\w.]+\s*)?\(${inBrackets(3)}\)(?:::\w+)?`
const concatenated = String.raw`\s*\|\|\s*(?:${brackets}|(?:${plain}|[\w.]+)(?:::\w+)?)`
/** As crypt('secret', ...), ('secret'), case ... then 'secret' end, 'sec' || 'ret': to where another part of the statement begins. */
const expression = String.raw`(?=[^;]{0,500}['$])(?:${brackets}(?:${concatenated})*|(?:${plain})(?:::\w+)?(?:${concatenated})+|case\s${inBrackets(3)}?\bend\b)(?=\s*(?:[,;)']|$|(?:where|returning|from)\b))`
/** A call that is none of those, to the statement's end. */
const call = String.raw`[\w.]+\s*\((?=[^;]{0,500}['$])(?:[^;']|'(?:[^'\\]|\\.|'')*(?:'|$)){0,500}`

/** Made for the first text with such a word: it is long. */
let keywordPattern: RegExp | undefined

/** `password = ...` of a connection string, of a shell or in SQL, also as an argument or a variable; `"password": "..."` of JSON. */
const keywordPassword = () => {
  keywordPattern ??= new RegExp(
    String.raw`${word}(?<between>\\?"?\s*(?:=>|=)\s*|(?:\s+(?:constant\s+)?[a-z][\w.]*(?:\(\d+\))?)?\s*:=\s*|\s+to\s+(?=['$])|\\?["']?\s*:\s*(?=\\?["']))(?<value>${expression}|${inner}|${escaped}|'(?:[^'\\]|\\.|'')*(?:'|$)|\$(?<dollar>\w*)\$.*?(?:\$\k<dollar>\$|$)|(?<=[:=>]\s*)"(?:[^"\\]|\\.)*(?:"|$)|${call}|[^\s'",;&}]+)`,
    'gis',
  )
  return keywordPattern
}

/** Of a command line. */
const optionPassword = new RegExp(
  String.raw`(?<before>(?<![\w-])--?[\w-]*(?:${names})[ \t]+)(?<value>'[^']*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|[^\s'"-]\S*)`,
  'gi',
)

/** Bounded, so that a long text takes no longer than its length. */
const gap = String.raw`(?:\s|/\*.{0,200}?\*/|--[^\n]{0,200}\n)+`
/** A literal of SQL in any form, and one whose end was cut off. */
const literal = String.raw`E'(?:[^'\\]|\\.|'')*(?:'|$)|(?:E|N|U&)?(?:${inner}|'[^']*(?:''[^']*)*(?:'|$))|\$(?<tag>\w*)\$.*?(?:\$\k<tag>\$|$)`
/** Where the password is put into the text: by format() with `%L`, or with `'... password ' || 'secret'`. What follows holds it. */
const insertion = String.raw`%(?:\d+\$)?[Ls][^,;]{0,500},|'+\s*(?:\|\||,)`
const sqlPassword = new RegExp(
  String.raw`${word}(?<between>${gap})(?:(?<into>${insertion})(?<rest>.*?)(?=;\s*?(?:[\r\n]|$)|$)|(?<literal>${literal}|(?<=\w[ \t]+)"[^"]*(?:""[^"]*)*(?:"|$)))`,
  'gis',
)

/** The first argument of crypt(), and a setting of that name. */
const argument = new RegExp(
  String.raw`(?<before>\bcrypt\s*\(\s*|\bset_config\s*\(\s*'[^']{0,100}(?:${names})'\s*,\s*)(?<literal>${literal})`,
  'gis',
)

/** What the server says of a row that is there twice, or refers to none. */
const key = new RegExp(
  String.raw`(?<before>\bKey \([^\n]{0,500}?(?:${names})[^\n]{0,500}?\)=\()(?<value>[^\n]*?)(?=\) (?:already|is|conflicts)|$)`,
  'gim',
)

/** An INSERT whose columns have such a name. */
const inserted = new RegExp(
  String.raw`(?<before>\((?<columns>[^()]{0,2000}(?:${names})[^()]{0,2000})\)\s*(?:overriding\s+\w+\s+value\s+)?(?<verb>values|select)\b)(?<rows>.*?)(?=;\s*?(?:[\r\n]|$)|$)`,
  'gis',
)

type HideLiteral = (open: string, secret: string, close: string) => string

/** The literals of those columns; `rows` is what follows VALUES or SELECT. */
function hideInserted(columns: string, isSelect: boolean, rows: string, hide: (literal: string) => string): string {
  const secret = columns.split(',').map(column => anyWord.test(column))
  const top = isSelect ? 0 : 1
  let depth = 0
  let column = 0
  return rows.replace(
    /E'(?:[^'\\]|\\.|'')*(?:'|$)|'[^']*(?:''[^']*)*(?:'|$)|\$(\w*)\$.*?(?:\$\1\$|$)|[(),]/gis,
    token => {
      if (token === '(' && ++depth === top) column = 0
      else if (token === ')') depth--
      else if (token === ',' && depth === top) column++
      else if (token.length > 1 && secret[column]) return hide(token)
      return token
    },
  )
}

const quotes = /^((?:E|N|U&)?(?:'{1,2}|"|\$\w*\$))(.*?)('{1,2}|"|\$\w*\$)?$/is

/** A shell's in double quotes, `PASSWORD="$X"`, or read from a file, `PASSWORD="$(cat "$X_FILE")"`; psql's, `password :'x'`. */
function isVariable(between: string, value: string): boolean {
  const isOfShell = /^"\$?\$\{?[A-Za-z_]\w*\}?"$|^"?\$?\$\(cat(?: "| [\w./-]+\)")?$/.test(value)
  return isOfShell || (/\s:$/.test(between) && /^'[A-Za-z_]\w*'$/.test(value))
}

/** The text with `hide` instead of what looks like a password in a connection string, in JSON or in SQL. */
function hidePasswords(text: string, hide: (secret: string) => string, hideLiteral: HideLiteral): string {
  // what is hidden already keeps its width, for the caret under it; a variable's name is no secret
  const isHidden = (secret: string) => /^([*\s]*|\$\{[A-Za-z_]\w*\}?)$/.test(secret)
  const out = text.includes('://')
    ? text.replace(urlPassword, (all, before: string, secret: string) =>
        isHidden(secret) ? all : `${before}:${hide(secret)}@`,
      )
    : text
  // nearly every line of a log has no such word, and the patterns take a run with nothing to do a fiftieth of its time
  if (!anyWord.test(out)) return out
  const whole = (text: string) => {
    const [, open, secret, close = ''] = quotes.exec(text)!
    return isHidden(secret!) ? text : hideLiteral(open!, secret!, close)
  }
  return out
    .replace(keywordPassword(), (all: string, ...found: unknown[]) => {
      const { word, between, value } = found.at(-1) as Record<string, string>
      if (isHidden(value!) || isVariable(between!, value!)) return all
      return `${word}${between}${value!.startsWith('"') ? hideLiteral('"', value!.slice(1, -1), '"') : hide(value!)}`
    })
    .replace(sqlPassword, (all: string, ...found: unknown[]) => {
      const { word, between, into, rest, literal } = found.at(-1) as Record<string, string | undefined>
      if (literal === undefined) return isHidden(rest!) ? all : `${word}${between}${into}${hide(rest!)}`
      return `${word}${between}${whole(literal)}`
    })
    .replace(argument, (_, ...found: unknown[]) => {
      const { before, literal } = found.at(-1) as Record<string, string>
      return `${before}${whole(literal!)}`
    })
    .replace(inserted, (_, ...found: unknown[]) => {
      const { before, columns, verb, rows } = found.at(-1) as Record<string, string>
      return `${before}${hideInserted(columns!, /select/i.test(verb!), rows!, whole)}`
    })
    .replace(optionPassword, hideValue)
    .replace(key, hideValue)

  function hideValue(all: string, ...found: unknown[]) {
    const { before, value } = found.at(-1) as Record<string, string>
    return isHidden(value!) ? all : `${before}${hide(value!)}`
  }
}

/** Comments and literals of SQL. */
const notCode = /--[^\n]*|\/\*.*?(?:\*\/|$)|E'(?:[^'\\]|\\.|'')*(?:'|$)|'[^']*(?:''[^']*)*(?:'|$)/gis

/**
 * What looks like a password in SQL, as it is written and as a literal's value; not what stands elsewhere as well, as a name
 * does, nor what is a name by its place: `set password = old_password`.
 */
export function secretsIn(text: string): string[] {
  const found = new Set<string>()
  let code: string | undefined
  const isName = (secret: string) => {
    if (!/^[a-z_][\w.]*\)*$/i.test(secret)) return false
    code ??= text.replace(notCode, ' ')
    return code.includes(secret)
  }
  const note = (secret: string) => {
    const literals = [secret, secret.replaceAll("''", "'")].flatMap(text =>
      [...text.matchAll(/(?<!')'((?:[^']|'')+)'(?!')|\$(\w*)\$(.+?)\$\2\$/gs)].map(found => found[1] ?? found[3]!),
    )
    for (const one of [secret, ...literals]) found.add(one).add(one.replaceAll("''", "'"))
    return ''
  }
  const rest = hidePasswords(
    text,
    secret => (isName(secret) ? secret : note(secret)),
    (open, secret, close) => `${open}${note(secret)}${close}`,
  )
  return [...found].filter(secret => !rest.includes(secret))
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
