// A worker without requests, as a user of the gate's library writes it: one piece of work after the other, inside the
// gate. Prints for each whether it was done, as JSON. Runs in the app's image.

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createGate, guardPool, readManifest } from 'schemagate-gate'

const pool = new pg.Pool()
pool.on('error', () => {})
const gate = createGate({ pool, manifest: readManifest('/app/dist/manifest.json') })
guardPool(gate, pool)
gate.whenOpen().then(() => console.log(JSON.stringify({ event: 'opened', at: Date.now() })))

for (let count = 0; count < 4_000; count++) {
  const sent = Date.now()
  const outcome = await gate
    .run(() => pool.query("insert into audit_log (action) values ('worker.worked')"))
    .then(
      () => 'done',
      error => error.name,
    )
  console.log(JSON.stringify({ event: 'work', sent, came: Date.now(), outcome }))
  await sleep(25)
}
