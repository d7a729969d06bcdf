// Makes V8's code cache where an image is built: by an `up` with nothing to do, against a server that knows its answers.

const { spawn } = require('node:child_process')
const { createHash } = require('node:crypto')
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

const ledger = Object.entries(LEDGER_TABLES).map(([table, columns]) => ({
  schemaOwner: [text, 'owner'],
  me: [text, 'owner'],
  usable: [bool, 't'],
  creatable: [bool, 't'],
  table: [text, table],
  kind: [text, 'r'],
  owner: [text, 'owner'],
  mine: [bool, 't'],
  readable: [bool, 't'],
  rowSecurity: [bool, 'f'],
  hidden: [bool, 'f'],
  columns: [texts, array(columns)],
}))

/** What a question is known by, and its rows. */
const answers = [
  [
    /pg_backend_pid\(\) as pid/,
    [
      {
        pid: [integer, '1'],
        version: [text, '180000'],
        text: [text, '18.0'],
        standby: [bool, 'f'],
        read_only: [bool, 'f'],
        known: [texts, '{statement_timeout}'],
      },
    ],
  ],
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
  [/as published/, [{ published: [bool, 't'] }]],
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

function answer(question) {
  const rows = answers.find(([known]) => known.test(question))?.[1]
  if (!rows) throw new Error(`The server of the warm-up has no answer to: ${question}`)
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
  return Buffer.concat([message('T', int16(columns.length), ...described), ...data, message('C', 'SELECT'), ready])
}

const server = createServer(socket => {
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
      } else if (type === 'Q') socket.write(answer(body.toString('utf8', 0, body.length - 1)))
    }
  })
})

server.listen(0, '127.0.0.1', () => {
  const dir = mkdtempSync(join(tmpdir(), 'warm-up-'))
  writeFileSync(join(dir, '1_up.sql'), sql)
  const url = `postgres://owner@127.0.0.1:${server.address().port}/warm?sslmode=disable`
  const up = spawn(process.execPath, [join(__dirname, 'schemagate.cjs'), 'up', '--dir', dir, '--database-url', url], {
    env: {},
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  up.on('close', code => {
    rmSync(dir, { recursive: true })
    server.close()
    process.exitCode = code === 0 ? 0 : 1
  })
})
