// Makes V8's code cache where an image is built: by runs of `up` against a server that knows its answers. The first has
// nothing to do; what others load besides, runs that migrate an older database and an empty one add to it.

const { spawn } = require('node:child_process')
const { createHash, createHmac, pbkdf2Sync } = require('node:crypto')
const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const sql = 'select 1;\n'
const checksum = createHash('sha256').update(sql).digest('hex')
const array = items => `{${items.map(item => `"${item}"`).join(',')}}`

/** OIDs of the types that the answers have. */
const bool = 16
const integer = 23
const text = 25
const texts = 1009
const float = 701
const json = 114
const jsonb = 3802

/** Of an app's role that lacks nothing. */
const roleState = {
  me: 'owner',
  sessionUser: 'owner',
  superuser: true,
  readsPasswords: false,
  database: 'warm',
  scramIterations: null,
  role: { login: true, owns: null, ownsHarmless: null, memberOf: [] },
  remembers: true,
  readsLedger: true,
  lackingOnLedger: [],
  excess: [],
  settings: { set: [], unseen: [] },
}

/** The ledger's tables, as the catalogue describes them. */
const found = Object.entries(LEDGER_TABLES).map(([table, columns]) => ({
  schemaOwner: 'owner',
  me: 'owner',
  usable: true,
  creatable: true,
  table,
  kind: 'r',
  owner: 'owner',
  mine: true,
  readable: true,
  rowSecurity: false,
  hidden: false,
  subscribed: false,
  comment: table === 'ledger' ? 'schemagate: {"public":"t"}' : '',
  columns,
}))

const ledger = found.map(row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'boolean'
        ? [bool, value ? 't' : 'f']
        : typeof value === 'string'
          ? [text, value]
          : [texts, array(value)],
    ]),
  ),
)

/** The same at a first look. */
const looked = found.map(({ table, readable, comment }) => ({ table, plain: true, readable, comment }))

const password = 'warm'
const salt = Buffer.alloc(16).toString('base64')
const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), 4096, 32, 'sha256')
const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
const serverKey = hmac(salted, 'Server Key')

/** Its verifier, as the server keeps it. */
function verifier() {
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64')
  return `SCRAM-SHA-256$4096:${salt}$${stored}:${serverKey.toString('base64')}`
}

const first = answer => [
  /pg_backend_pid\(\) as pid/,
  [
    {
      pid: [integer, '1'],
      version: [text, '180000'],
      text: [text, '18.0'],
      standby: [bool, 'f'],
      read_only: [bool, 'f'],
      known: [texts, '{statement_timeout}'],
      answer: [json, JSON.stringify(answer)],
    },
  ],
]

/** What a question is known by, and its rows; any other has none, as a command. */
const always = [
  first({ ledger: null, readsPasswords: true }),
  [/as published/, [{ published: [bool, 't'] }]],
  [/ as ready,/, [{ ready: [bool, 'f'], present: [texts, '{}'] }]],
  [/ as kept$/, [{ kept: [bool, 'f'] }]],
  [/as taken/, [{ taken: [bool, 't'] }]],
  [/ as tables\b/, [{ tables: [integer, '1'] }]],
  [/ as emptied, .* as gone$/s, [{ emptied: [text, null], gone: [bool, 'f'] }]],
  [/as situation/, [{ situation: [jsonb, '{"before": "", "spaces": [], "present": []}'] }]],
  [/as state$/, [{ state: [jsonb, JSON.stringify(roleState)] }]],
]
/** The same of a database whose ledger has one migration. @param known what the run that applied it has noted of its folder. */
const migrated = known => [
  first({ ledger: looked, readsPasswords: true }),
  [
    / as adopted/,
    [
      {
        version: [integer, 'LEDGER_VERSION'],
        applied: [bool, 't'],
        digest: [text, createHash('sha256').update(`4 1_up64 ${checksum}`).digest('hex')],
        head: [text, '1_up'],
        published: [bool, 't'],
        known: [jsonb, JSON.stringify(known)],
        adopted: [bool, 'f'],
        standing: [bool, 't'],
        role: [jsonb, JSON.stringify({ plain: true, verifier: verifier() })],
      },
    ],
  ],
  ...always,
  [/as "schemaOwner"/, ledger],
  [
    /as "appliedAt"/,
    [
      {
        version: [integer, 'LEDGER_VERSION'],
        by: [text, '0'],
        name: [text, '1_up'],
        checksum: [text, checksum],
        position: [float, '1'],
        kind: [text, 'sql'],
        breaking: [bool, 'f'],
        state: [text, 'applied'],
        appliedAt: [float, '1700000000000'],
        durationMs: [float, '1'],
        runId: [text, '00000000-0000-0000-0000-000000000000'],
        journal: [jsonb, null],
      },
    ],
  ],
]

function message(type, ...parts) {
  const body = Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)))
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value) {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

const ready = message('Z', Buffer.from('I'))
const complete = tag => message('C', tag)

function answer(answers, question) {
  const rows = answers.find(([known]) => known.test(question))?.[1]
  if (!rows) return complete(question.endsWith('commit') ? 'COMMIT' : '')
  const columns = Object.entries(rows[0])
  const described = columns.flatMap(([name, [type]]) => [
    name,
    int32(0),
    int16(0),
    int32(type),
    int16(-1),
    int32(-1),
    int16(0),
  ])
  const data = rows.map(row => {
    const values = Object.values(row).map(([, value]) =>
      value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
    )
    return message('D', int16(values.length), ...values)
  })
  return Buffer.concat([message('T', int16(columns.length), ...described), ...data, complete('SELECT')])
}

/** What the server says to a message; of a question with parameters all at its end. */
function replyTo(answers, type, body) {
  const text = body.toString()
  if (type === 'Q') return [answer(answers, text.slice(0, -1)), ready]
  // a name and a text; of its parameters nothing is known
  if (type === 'P') return [message('1'), message('2'), answer(answers, text.split('\0')[1])]
  return type === 'S' ? [ready] : []
}

/**
 * SCRAM-SHA-256 from the server's side, as far as a client can tell that does know the password.
 * https://www.postgresql.org/docs/current/sasl-authentication.html
 */
function scram() {
  let first
  return body => {
    if (first === undefined) {
      const bare = body.toString().split('n,,').at(-1)
      first = { bare, answer: `${/r=.*/.exec(bare)[0]}warm,s=${salt},i=4096` }
      return [message('R', int32(11), Buffer.from(first.answer))]
    }
    const [withoutProof] = body.toString().split(',p=')
    const signature = hmac(serverKey, `${first.bare},${first.answer},${withoutProof}`).toString('base64')
    return [
      message('R', int32(12), Buffer.from(`v=${signature}`)),
      message('R', int32(0)),
      message('K', int32(1), int32(1)),
      ready,
    ]
  }
}

/** The code with which a client asks for TLS in place of a protocol's version. */
const sslRequest = 80877103

function serve(answers, asked) {
  return createServer(socket => {
    let rest = Buffer.alloc(0)
    let started = false
    const authenticate = scram()
    socket.on('error', () => {})
    socket.on('data', chunk => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const head = started ? 1 : 0
        const length = rest.length < head + 4 ? Number.POSITIVE_INFINITY : rest.readInt32BE(head) + head
        if (rest.length < length) return
        const type = started ? String.fromCharCode(rest[0]) : 'startup'
        const body = rest.subarray(head + 4, length)
        rest = rest.subarray(length)
        if (type === 'startup' && body.readInt32BE() === sslRequest) socket.write('N')
        else if (type === 'startup') {
          started = true
          socket.write(message('R', int32(10), Buffer.from('SCRAM-SHA-256\0\0')))
        } else if (type === 'p') socket.write(Buffer.concat(authenticate(body)))
        else {
          if (type === 'Q' || type === 'P') asked(body.toString())
          socket.write(Buffer.concat(replyTo(answers, type, body)))
        }
      }
    })
  })
}

/** A run of `up`, or of another command, with these files; the questions that it has asked. */
async function run(answers, files, options = [], env = {}, words = ['up']) {
  const questions = []
  const server = serve(answers, question => questions.push(question)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dir = mkdtempSync(join(tmpdir(), 'warm-up-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const url = `postgres://owner:${password}@127.0.0.1:${server.address().port}/warm`
  const args = [join(__dirname, 'schemagate.cjs'), ...words, '--dir', dir, '--database-url', url, ...options]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'close')
  rmSync(dir, { recursive: true })
  server.close()
  if (code !== 0) process.exitCode = 1
  return questions
}

const files = { '1_up.sql': sql }
/** The grammar is asked about a text with a transaction of its own. */
const more = { ...files, '2_up.sql': 'begin;\nselect 1;\ncommit;\n' }
const role = [['--app-role', 'app'], { SCHEMAGATE_APP_PASSWORD: password }]

/**
 * The first `up` decides what a run with nothing to do finds; each of the others adds the files that it alone has loaded. What
 * it knows of its folder a run says that keeps no code.
 */
async function warmUp() {
  const recording = await run(always, files, [], {}, ['baseline', '1_up'])
  const [, known] = /"folder":(\{.*?\})/.exec(recording.join()) ?? []
  if (known === undefined) throw new Error('a run that records did not note its folder')
  const questions = await run(migrated(JSON.parse(known)), files, ...role)
  if (questions.length !== 2)
    throw new Error(`a run with nothing to do asked ${questions.length} questions, and not two`)
  await run(migrated(null), more, ...role)
  await run(always, more, ...role)
}

void warmUp()
