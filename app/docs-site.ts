// The pages of /docs, as a server of their own that only this app asks.

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify'

/** Describes these routes; it never calls them. */
export async function openDocsSite(routes: readonly RouteOptions[]): Promise<FastifyInstance> {
  const site = fastify()
  site.setValidatorCompiler(() => () => true)
  site.setSerializerCompiler(() => JSON.stringify)
  await site.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tickets',
        version: '1',
        description: 'The example service of schemagate: it serves only from a database that has its schema.',
      },
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
    },
  })
  await site.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null },
    staticCSP: true,
    // The page must work over plain HTTP on a developer's machine, and loads nothing from another server.
    transformStaticCSP: header => header.replace(/ upgrade-insecure-requests;| validator\.swagger\.io/g, ''),
  })
  for (const { method, url, schema } of routes)
    if (!url.startsWith('/docs')) site.route({ method, url, ...(schema && { schema }), handler: async () => '' })
  await site.ready()
  return site
}
