// The OpenAPI document, made from the routes' schemas, and a page to read it at /docs.

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { App } from './fastify.ts'

/** Must be called before the routes are added. The document itself is at /docs/json. */
export async function serveDocs(app: App): Promise<void> {
  await app.register(swagger, {
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
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null },
    staticCSP: true,
    // The page must work over plain HTTP on a developer's machine, and loads nothing from another server.
    transformStaticCSP: header => header.replace(/ upgrade-insecure-requests;| validator\.swagger\.io/g, ''),
  })
}
