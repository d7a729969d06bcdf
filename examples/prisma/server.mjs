// Answers GET /users from the database.

import { createServer } from 'node:http'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', error => console.error(error.message))

async function answer(path) {
  if (path === '/health') return [200, { status: 'ok' }]
  if (path !== '/users') return [404, { error: 'not found' }]
  const { rows } = await pool.query('select email, full_name from users order by email')
  return [200, rows]
}

createServer(async (request, response) => {
  const [status, body] = await answer(request.url).catch(error => [500, { error: error.message }])
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}).listen(8000)

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))
