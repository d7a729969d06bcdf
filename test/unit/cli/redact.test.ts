// No secret survives on its way out, in whatever form it is written.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placeAt } from '../../../migrator/sql/excerpt.ts'
import { hideSecrets, redactLine, redactor, secretsIn } from '../../../migrator/text/redact.ts'

const secret = fc
  .string({ unit: 'binary', minLength: 4, maxLength: 24 })
  .filter(s => s.isWellFormed() && s.trim().length >= 4 && !/^\*+$/.test(s) && !'***'.includes(s))
const around = fc.string({ unit: 'binary', maxLength: 20 })

test('a known secret does not survive, plain, percent-encoded or in JSON', () => {
  fc.assert(
    fc.property(secret, around, around, (password, before, after) => {
      const redact = redactor([password, undefined, ''])
      // a text around it could be a part of it by chance
      fc.pre(!(before + after).includes(password))
      for (const form of [
        password,
        encodeURIComponent(password),
        JSON.stringify(password),
        `postgres://u:${encodeURIComponent(password)}@h/d`,
        JSON.stringify({ msg: `it is ${password}` }),
      ]) {
        const shown = redact(`${before}${form}${after}`)
        expect(shown.includes(password)).toBe(false)
        expect(shown.includes(encodeURIComponent(password))).toBe(false)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('one secret inside another, or before it, does not keep it alive', () => {
  fc.assert(
    fc.property(secret, secret, (one, other) => {
      const shown = redactor([one, one + other, other])(`${one}${other} ${other}${one} ${one}`)
      for (const password of [one, other, one + other]) expect(shown.includes(password)).toBe(false)
    }),
  )
})

test('any list of secrets and any text are taken', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), (secrets, text) => {
      expect(typeof redactor(secrets)(text)).toBe('string')
    }),
  )
  // half of a surrogate pair has no percent-encoding
  expect(redactor(['abc\uD800def'])('x abc\uD800def y')).toBe('x *** y')
})

test.for([
  ['postgres://u:hunter22@h/d', 'postgres://u:***@h/d'],
  ['postgresql://u:hunter22@h:1,i:2/d?x=y', 'postgresql://u:***@h:1,i:2/d?x=y'],
  ['at postgres://u:hunt@er22@h/d!', 'at postgres://u:***@h/d!'],
  ['two postgres://a:hunter22@h/d and postgres://b:hunter22@i/e', 'two postgres://a:***@h/d and postgres://b:***@i/e'],
  ['host=h password=hunter22 user=u', 'host=h password=*** user=u'],
  ["password = 'hunter 22' dbname=d", 'password = *** dbname=d'],
  ['PGPASSWORD=hunter22 psql', 'PGPASSWORD=*** psql'],
  ['{"password":"hunter22","user":"u"}', '{"password":"***","user":"u"}'],
  ["alter role x password 'hunter''22' valid", "alter role x password '***' valid"],
  ["create role x login PASSWORD E'hunter\\22'", "create role x login PASSWORD '***'"],
  ["password E'a\\'hunter22' login", "password '***' login"],
  ["password U&'hunter22' login", "password '***' login"],
  ['password $$hunter22$$ login', "password '***' login"],
  ["password $a$hunter'22$a$ login", "password '***' login"],
  ["password /* of old */ 'hunter22' login", "password /* of old */ '***' login"],
  ["password -- of old\n  'hunter22' login", "password -- of old\n  '***' login"],
  ["options (\"password\" 'hunter22', host 'h')", "options (\"password\" '***', host 'h')"],
  ["options (sslpassword 'hunter22', host 'h')", "options (sslpassword '***', host 'h')"],
  ["execute 'create role x password ''hunter22'' login'", "execute 'create role x password '***' login'"],
  ["connection 'password=''hunter 22'' user=u'", "connection 'password=*** user=u'"],
  ["set password = 'it''s hunter22' where true", 'set password = *** where true'],
  [
    "execute format('create role %I password %L', 'x', 'hunter22');\nend",
    "execute format('create role %I password %L',***;\nend",
  ],
  [
    "execute 'create role x password ' || quote_literal('hunter22');\nend",
    "execute 'create role x password ' ||***;\nend",
  ],
  ['{"db_password": "hunter 22", "user": "u"}', '{"db_password": "***", "user": "u"}'],
  [
    "execute concat('alter role x password ', quote_literal('hunter22'));",
    "execute concat('alter role x password ',***;",
  ],
  ["v_password constant text := 'hunter22'; begin", 'v_password constant text := ***; begin'],
  ["call add_user('x', password => 'hunter22')", "call add_user('x', password => ***)"],
  ["set app.password to 'hunter22'", 'set app.password to ***'],
  ["select set_config('app.password', 'hunter22', false)", "select set_config('app.password', '***', false)"],
  ["select crypt('hunter22', gen_salt('bf'))", "select crypt('***', gen_salt('bf'))"],
  [
    "update users set password = crypt('hunter22', gen_salt('bf')); select 1",
    'update users set password = ***; select 1',
  ],
  [
    "set password = crypt('hun;t)er22', gen_salt('bf', 8))::text, name = 'x' where email = 'a@b'",
    "set password = ***, name = 'x' where email = 'a@b'",
  ],
  ["set password = crypt($a$hunt)er22$a$, 'x') returning id", 'set password = *** returning id'],
  ["execute 'set password = crypt(''hunter22'', ''x'') where id = 1'", "execute 'set password = *** where id = 1'"],
  ["f(password => md5('hunter22'), other => 'y')", "f(password => ***, other => 'y')"],
  ["set password = ('hunter22') where id = 1", 'set password = *** where id = 1'],
  ["set password = 'hunt' || lower('ER') || $$22$$ where id = 1", 'set password = *** where id = 1'],
  ["set password = case when x then 'hunter22' else (y) end where id = 1", 'set password = *** where id = 1'],
  // where it ends cannot be told
  ["set password = crypt(E'hun\\')ter;22', 'x') where id = 1; select 1", 'set password = ***; select 1'],
  ["set password = crypt('hunter22' /* it's ) */, 'x') where id = 1; select 1", 'set password = ***'],
  ["set password = crypt('hunter22', gen_salt('bf'", 'set password = ***'],
  ['set password = $$hunter 22$$ where true', 'set password = *** where true'],
  ["alter role x set app.jwt_secret = 'hunter22'", 'alter role x set app.jwt_secret = ***'],
  ['alter role x password "hunter22" login', 'alter role x password "***" login'],
  ["connection E'host=h password=\\'hunter 22\\' user=u'", "connection E'host=h password=*** user=u'"],
  [
    "insert into users (email, password, note) values ('a', 'hunter22', 'b'), ('c', crypt('hunter22', 'salt'), 'd');",
    "insert into users (email, password, note) values ('a', '***', 'b'), ('c', crypt('***', '***'), 'd');",
  ],
  [
    "insert into users (email, password) select 'a', 'hunter22' where true;",
    "insert into users (email, password) select 'a', '***' where true;",
  ],
  ['Key (email, password)=(a, hunter22) already exists.', 'Key (email, password)=(***) already exists.'],
  ['liquibase --password hunter22 update', 'liquibase --password *** update'],
  ['PGPASSWORD="hunter 22" psql', 'PGPASSWORD="***" psql'],
  ["{'password': 'hunter22'}", "{'password': ***}"],
  ['{"body": "{\\"password\\": \\"hunter 22\\"}"}', '{"body": "{\\"password\\": ***}"}'],
  // a statement that was cut off
  ["alter role x password 'hunter2", "alter role x password '***'"],
  ["execute 'alter role x password ''hunter2", "execute 'alter role x password '***'"],
] as const)('a password that is not known is found by its place: %s', ([text, shown]) => {
  expect(redactor()(text)).toBe(shown)
})

test.for([
  'password authentication failed for user "u"',
  'postgres://u@h/d',
  'Write postgres://user:password@host:5432/database',
  'the password of user "u"',
  "alter role x password '*****' y",
  "create table users (password text not null, role text default 'user')",
  "alter role x password null; comment on role x is 'y'",
  "insert into users (email, name) values ('a', 'b')",
  "check (kind in ('password', 'token'))",
  "alter role x password :'app_password'",
  'email text, -- and a password\n "nick name" text',
])('what is no secret is left alone: %s', text => expect(redactor(['hunter22'])(text)).toBe(text))

test('a line of JSON stays one, with its keys, whatever the secret', () => {
  fc.assert(
    fc.property(secret, password => {
      const line = JSON.stringify({ event: 'run', msg: `a ${password} b`, err: { list: [password, 1] }, password })
      const parsed = JSON.parse(redactLine(redactor([password]), line))
      expect(Object.keys(parsed)).toEqual(['event', 'msg', 'err', 'password'])
      expect(parsed).toMatchObject({ msg: 'a *** b', err: { list: ['***', 1] }, password: '***' })
    }),
    { examples: [['"abc'], ['a\\b"c'], ['msg"'], ['\\\\\\\\'], ['event'], ['list'], ['password'], ['":"x']] },
  )
  expect(redactLine(redactor(['hunter22']), 'no JSON: hunter22')).toBe('no JSON: ***')
})

test.for([
  ["alter role u password 'hunter22' login", "alter role u password '********' login"],
  ["create subscription s connection 'postgresql://u:hunter22@h/d' publication p", 'u:********@h'],
  ["create subscription s connection 'host=h password=hunter22 user=u' publication p", 'password=******** user'],
  ["execute 'alter role u password ''hunter22''';", "password ''********''';"],
  ['alter role u password $$hunter22\r\n22$$ login', 'password $$********\r\n**$$ login'],
  ["format('alter role u password %L', 'hunter22');\nend", "password %L',************;\nend"],
])('in SQL it is hidden at its width, and stays so on its way out: %s', ([sql, shown]) => {
  const hidden = hideSecrets(sql!)
  expect(hidden).toContain(shown)
  expect(hidden).toHaveLength(sql!.length)
  expect(redactor()(hidden)).toBe(hidden)
})

test('a place shows no part of a secret that begins before what is shown, or ends behind it', () => {
  for (const form of [
    "password 'hunter22hunter22'",
    "'postgres://u:hunter22hunter22@h/d'",
    'password=hunter22hunter22',
  ])
    for (let before = 0; before < 400; before++) {
      const line = `${'x'.repeat(before)} ${form} ${'y'.repeat(400)}`
      for (const at of [0, before, before + form.length, before + 60, before + 150])
        expect(placeAt('f.sql', `first\n${line}\nlast`, 6 + at).excerpt).not.toMatch(/h?unter|hun|ter2/)
    }
})

test('a place shows no part of a secret that begins in another line', () => {
  for (const between of ['\n', '\r\n', ' -- of old\n', ' /* of\n old */ '])
    for (const secret of ["'hunter22'", '$$hunter22$$', "'a\nhunter22'"]) {
      const source = `alter role x password${between}${secret} valid until 'never'`
      const { excerpt } = placeAt('f.sql', source, source.indexOf('valid'))
      expect(excerpt).not.toContain('hunter')
      expect(excerpt).toContain("valid until 'never'")
    }
})

test('what SQL has as a password is told, for texts in which the server quotes it', () => {
  expect(secretsIn("alter role x password 'it''s'")).toEqual(["it''s", "it's"])
  expect(secretsIn("set password = crypt('hunter22', gen_salt('bf'))")).toContain('hunter22')
  expect(secretsIn("set password = crypt('hunter22', 'salt') where email = 'somebody'")).not.toContain('somebody')
  expect(secretsIn("execute 'set password = crypt(''hunter22'', $a$hunter33$a$)'")).toEqual(
    expect.arrayContaining(['hunter22', 'hunter33']),
  )
  expect(secretsIn("select 'hunter22'")).toEqual([])
  expect(secretsIn("create role admin password 'admin'")).toEqual([])
  expect(secretsIn('update users set password = users.old_password')).toEqual([])
  expect(secretsIn('create table users ("password" "citext")')).toEqual([])
  expect(secretsIn("select dblink_connect('host=h password=hunter22')")).toEqual(['hunter22'])
})

test('a text that names passwords again and again takes no longer than its length', () => {
  const started = performance.now()
  for (const part of [
    "password = 'a\\",
    'password = (((',
    "password = a(('b",
    "password = case (a 'b' ",
    "password = 'a' || ",
    "password = a('b' || c(",
    'password -- ',
    'password /* ',
    '(password, ',
    "password ', ",
    'password := a.',
    '--password ',
    '-password',
    '-----',
    'Key (password)=(',
    "crypt ('",
  ])
    redactor()(part.repeat(20_000))
  expect(performance.now() - started).toBeLessThan(8_000)
})

test("a variable's name in a compose file is no secret, and its default is one", () => {
  const redact = redactor()
  expect(redact('postgres://app:${DB_PASSWORD}@db/app PGPASSWORD=${PW}')).toBe(
    'postgres://app:${DB_PASSWORD}@db/app PGPASSWORD=${PW}',
  )
  expect(redact('PGPASSWORD="$$DB_PASSWORD" psql')).toBe('PGPASSWORD="$$DB_PASSWORD" psql')
  for (const read of ['"$$(cat "$$DB_PASSWORD_FILE")"', '"$(cat /run/secrets/db)"', '$(cat /run/secrets/db)'])
    expect(redact(`PGPASSWORD=${read} psql`)).toBe(`PGPASSWORD=${read} psql`)
  expect(redact('postgres://app:${PW:-hunter2}@db/app')).not.toContain('hunter2')
  expect(redact('postgres://app:$ecret@db/app')).not.toContain('$ecret')
})
