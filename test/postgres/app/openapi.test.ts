// The OpenAPI document: it names every route and says what they take and give.

import { describe, expect } from 'vitest'
import { test } from '../../helpers/app-process.ts'

describe('/docs', () => {
  test('is a page that loads all of itself from us', async ({ app }) => {
    const page = await app.request('GET', '/docs/')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(assets.length).toBeGreaterThan(3)
    for (const path of assets) {
      const { href, origin } = new URL(path, `${app.url}/docs/`)
      expect(origin).toBe(app.url)
      expect((await app.request('GET', href.slice(origin.length))).status, path).toBe(200)
    }
    // Over plain HTTP a browser would otherwise ask for every asset over HTTPS.
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'/)
    expect(page.headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests')
  })

  test('describes exactly the routes that there are', async ({ app }) => {
    const document = await app.request('GET', '/docs/json')
    expect(document.get('openapi')).toMatch(/^3\.1/)
    const routes = Object.entries(document.get('paths') ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map(method => `${method.toUpperCase()} ${path}`),
    )
    expect(routes.sort()).toEqual([
      'GET /api/v1/auth/me',
      'GET /api/v1/tickets',
      'GET /api/v1/tickets/{id}',
      'GET /health',
      'GET /health/live',
      'PATCH /api/v1/tickets/{id}',
      'POST /api/v1/auth/login',
      'POST /api/v1/auth/register',
      'POST /api/v1/tickets',
    ])
  })

  test('says which routes need a token, and what a refusal looks like', async ({ app }) => {
    const document = await app.request('GET', '/docs/json')
    const login = ['paths', '/api/v1/auth/login', 'post'] as const
    expect(document.get('paths', '/api/v1/auth/me', 'get', 'security')).toEqual([{ bearer: [] }])
    expect(() => document.get(...login, 'security')).toThrow()
    expect(document.get('components', 'securitySchemes', 'bearer', 'scheme')).toBe('bearer')
    expect(document.get(...login, 'responses', '401', 'content')).toHaveProperty(['application/problem+json'])
    expect(document.get(...login, 'requestBody', 'content', 'application/json', 'schema', 'required')).toEqual([
      'email',
      'password',
    ])
  })
})

describe('every answer', () => {
  test.for(['/health', '/nope', '/api/v1/auth/me'])(
    'has the headers that keep browsers safe: %s',
    async (path, { app }) => {
      const { headers } = await app.request('GET', path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'")
      expect(headers.get('x-powered-by')).toBe(null)
    },
  )
})
