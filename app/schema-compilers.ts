// Fastify's compilers of schemas, put off until the first request of each route: to compile all of them is a good part of an
// app's start.

import { createRequire } from 'node:module'
import type { BuildCompilerFromPool } from '@fastify/ajv-compiler'
import type { SerializerFactory } from '@fastify/fast-json-stringify-compiler'

// loaded where it is used, and not before
const require = createRequire(import.meta.url)

type Compile = ReturnType<BuildCompilerFromPool>
type Validator = ReturnType<Compile>

const buildValidator: BuildCompilerFromPool = (schemas, options) => {
  const compiler = once<Compile>(() => require('@fastify/ajv-compiler')()(schemas, options))
  return schema => {
    const validator = once(() => compiler()(schema))
    const validate = (data: unknown) => {
      const isValid = validator()(data)
      // where Fastify looks for them
      validate.errors = validator().errors
      return isValid
    }
    validate.errors = undefined as Validator['errors']
    return validate as Validator
  }
}

const buildSerializer: SerializerFactory = (schemas, options) => {
  const compiler = once<ReturnType<SerializerFactory>>(() =>
    require('@fastify/fast-json-stringify-compiler')()(schemas, options),
  )
  return route => {
    const serializer = once(() => compiler()(route))
    return data => serializer()(data)
  }
}

/** For Fastify's `schemaController`. A wrong schema fails its route's first request, not the start. */
export const compilersFactory = { buildValidator, buildSerializer }

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
