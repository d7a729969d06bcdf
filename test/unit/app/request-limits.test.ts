// A request that does not arrive in time is answered 408, whichever part of it is late.

import { connect } from 'node:net'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { requestLimits } from '../../../app/request-limits.ts'

test.for([
  'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\nab',
  'GET / HTTP/1.1\r\nhost: x\r\n',
])('half of a request is not waited for longer than is said: %j', async sent => {
  const server = fastify(requestLimits(300))
  onTestFinished(() => server.close())
  server.post('/', async () => 'all of it')
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }))
  const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8')
  // the server would wait for it to end
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {}).write(sent)
  let answer = ''
  for await (const text of socket) answer += text
  expect(answer).toMatch(/^HTTP\/1.1 408/)
})
