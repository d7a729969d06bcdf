// Pieces of schema that routes share.

import { type Static, type TObject, type TString, Type } from 'typebox'

// Not `format: uuid`, which lets `urn:uuid:` through, and Postgres does not.
const uuid = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
// Only a message to an address shows whether it exists. This pattern takes linear time on any text, `format: email` does not.
const email = '^[!-?A-~]+@[!-?A-~]+$'
const notBlank = '\\S'

/** What text has to be when it does not match a pattern, for people. */
export const patternNames: ReadonlyMap<string, string> = new Map([
  [uuid, 'a UUID'],
  [email, 'an e-mail address'],
  [notBlank, 'more than white space'],
])

export const Uuid = Type.String({ pattern: uuid, description: 'a UUID' })

/** As the schema `Uuid` takes it: for ids that come from elsewhere than a request, such as a token. */
export function isUuid(text: string | undefined): text is string {
  return text !== undefined && new RegExp(uuid).test(text)
}

export const Email = Type.String({ maxLength: 254, pattern: email, description: 'an e-mail address, in ASCII' })

export const Timestamp = Type.String({ description: 'ISO 8601, UTC, with microseconds' })

/** Text that is more than white space. Lengths count characters, as the database's checks do. */
export const text = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: notBlank })

/**
 * The type or null. As a list of types, not as a union: the serializer would need a validator of its own to tell a
 * union's members apart, and compiling those is a good part of an app's start.
 */
export function nullable<T extends TString | TObject>(schema: T) {
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [schema.type, 'null'] })
}

const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ in: Type.String(), at: Type.String(), message: Type.String() }))),
  },
  { description: 'What is wrong (RFC 9457)' },
)

/** The problems that a route can answer with, for the OpenAPI document. */
export function problems<Status extends 400 | 401 | 404 | 409 | 429 | 503>(...statuses: Status[]) {
  const answer = { description: 'A problem', content: { 'application/problem+json': { schema: ProblemSchema } } }
  return Object.fromEntries(statuses.map(status => [status, answer]))
}

/** How the OpenAPI document says that a route needs a token. */
export const bearerSecurity = [{ bearer: [] }]
