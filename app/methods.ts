// What a path without a route gets: 404, or 405 with the methods that it does have.

import type { App } from './fastify.ts'
import { Problem, sendProblem } from './problem.ts'

/** Must be called before the routes are added: it learns of them as they come. */
export function answerUnknownRoutes(app: App): void {
  const methodsOf = new Map<string, { path: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methodsOf.get(url) ?? { path: pathPattern(url), methods: new Set() }
    for (const each of [method].flat()) known.methods.add(each)
    methodsOf.set(url, known)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = new Set([...methodsOf.values()].flatMap(known => (known.path.test(path) ? [...known.methods] : [])))
    if (allowed.size === 0 || allowed.has(request.method))
      return sendProblem(reply, new Problem(404, 'There is nothing at this path.'))
    const allow = [...allowed].join(', ')
    return sendProblem(reply, new Problem(405, `This path has the methods ${allow}.`, { headers: { allow } }))
  })
}

/** `/tickets/:id` as an expression; the router's other syntax is not used here, and `*` is any rest. */
function pathPattern(url: string): RegExp {
  const parts = url.split('/').map(part => {
    if (part.startsWith(':')) return '[^/]+'
    return part === '*' ? '.*' : part.replace(/\W/g, '\\$&')
  })
  return new RegExp(`^${parts.join('/')}$`)
}
