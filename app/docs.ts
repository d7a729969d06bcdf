// The OpenAPI document, made from the routes' schemas, and a page to read it at /docs. Loaded when they are first asked for:
// together they cost more than the rest of a start.

import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { App } from './fastify.ts'

/** Must be called before the routes are added. The document itself is at /docs/json. */
export function serveDocs(app: App): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', route => {
    if (route.method !== 'HEAD') routes.push(route)
  })
  let opening: ReturnType<typeof open> | undefined
  const open = async () => (await import('./docs-site.ts')).openDocsSite(routes)

  const answer = async ({ method, url, headers }: FastifyRequest, reply: FastifyReply) => {
    opening ??= open()
    const site = await opening
    const page = await site.inject({ method: method as 'GET', url, headers })
    if (page.statusCode === 404) return reply.callNotFound()
    // the connection is this server's own
    const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...own } = page.headers
    return reply.code(page.statusCode).headers(own).send(page.rawPayload)
  }
  for (const url of ['/docs', '/docs/*']) app.get(url, { schema: { hide: true } }, answer)
}
