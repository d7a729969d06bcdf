// Makes V8's code cache where an image is built: by runs of `up` against a server that knows its answers. Two have nothing
// to do; what others load besides, runs that migrate an older database and an empty one for an app's role add to it.

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

const password = 'warm'

/** Its verifier, as the server keeps it. */
function verifier() {
  const salt = Buffer.alloc(16)
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256')
  const key = name => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(key('Client Key')).digest('base64')
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`
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
      answer: [jsonb, JSON.stringify(answer)],
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
  [/as situation/, [{ situation: [jsonb, '{"before": "", "spaces": [], "present": []}'] }]],
  [/as state$/, [{ state: [jsonb, JSON.stringify(roleState)] }]],
]
/** The same of a database whose ledger has one migration. */
const migrated = [
  first({ ledger: found, readsPasswords: true }),
  [
    / as adopted/,
    [
      {
        version: [integer, 'LEDGER_VERSION'],
        applied: [bool, 't'],
        digest: [text, createHash('sha256').update(`4 ${checksum}1_up`).digest('hex')],
        head: [text, '1_up'],
        published: [bool, 't'],
        adopted: [bool, 'f'],
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

function serve(answers) {
  return createServer(socket => {
    let rest = Buffer.alloc(0)
    let started = false
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
        if (type === 'startup') {
          started = true
          socket.write(Buffer.concat([message('R', int32(0)), message('K', int32(1), int32(1)), ready]))
        } else socket.write(Buffer.concat(replyTo(answers, type, body)))
      }
    })
  })
}

/** A run of `up` with these files. */
async function up(answers, files, options = [], env = {}) {
  const server = serve(answers).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dir = mkdtempSync(join(tmpdir(), 'warm-up-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const url = `postgres://owner@127.0.0.1:${server.address().port}/warm?sslmode=disable`
  const args = [join(__dirname, 'schemagate.cjs'), 'up', '--dir', dir, '--database-url', url, ...options]
  const run = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(run, 'close')
  rmSync(dir, { recursive: true })
  server.close()
  if (code !== 0) process.exitCode = 1
}

const files = { '1_up.sql': sql }
/** The grammar is asked about a text with a transaction of its own. */
const more = { ...files, '2_up.sql': 'begin;\nselect 1;\ncommit;\n' }
const role = [['--app-role', 'app'], { SCHEMAGATE_APP_PASSWORD: password }]

/** The first decides what a run with nothing to do finds; each of the others adds the files that it alone has loaded. */
async function warmUp() {
  await up(migrated, files)
  await up(migrated, files, ...role)
  await up(migrated, more, ...role)
  await up(always, more, ...role)
}

void warmUp()
