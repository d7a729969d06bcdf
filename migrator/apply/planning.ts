// How a part of a migration is to be run, so far as its text tells.

import { UsageError } from '../errors.ts'
import type { SqlPart } from '../files/migration.ts'
import { placeAt } from '../sql/excerpt.ts'
import { neverClosed } from '../sql/lexer.ts'
import { type Outline, outline, textOf } from '../sql/outline.ts'
import { loadParser, parseStatements, syntaxError } from '../sql/parse.ts'
import { split } from '../sql/split.ts'
import { PlanError } from '../sql/step.ts'
import { divide, needsParsing, type Plan, planWhole } from '../sql/steps.ts'

const outlines = new WeakMap<SqlPart, Outline>()
const plans = new WeakMap<SqlPart, Promise<Plan>>()

/** What a part tells of itself; read once. */
export function outlineOf(part: SqlPart): Outline {
  const read = outlines.get(part) ?? outline(part.source, part.start, part.end)
  outlines.set(part, read)
  return read
}

/**
 * How a part is to be run; found out once.
 * @throws UsageError if it must be run in steps and cannot be.
 */
export function planPart(part: SqlPart): Promise<Plan> {
  const plan = plans.get(part) ?? makePlan(part)
  plans.set(part, plan)
  return plan
}

async function makePlan(part: SqlPart): Promise<Plan> {
  const { source: sql, start, end } = part
  const { transaction } = part.marks
  try {
    const read = outlineOf(part)
    if (transaction) {
      if (needsParsing(read)) await loadParser()
      const plan = planWhole({ sql, start, end }, read)
      if (plan) return plan
    }
    requireClosed(part)
    await loadParser()
    if (end - start <= checkedLength) requireSyntax(part)
    return { transaction: false, steps: divide({ sql, start, end }, !transaction) }
  } catch (error) {
    throw error instanceof PlanError ? refusedPlan(part, error) : error
  }
}

/** The server never sees a comment behind the last step. @throws UsageError */
function requireClosed(part: SqlPart): void {
  const { unclosed } = outlineOf(part)
  if (!unclosed) return
  const place = placeAt(part.file, part.source, unclosed.offset)
  throw new UsageError(
    `${part.file}, line ${place.line}, column ${place.column}: ${neverClosed(unclosed)}. It is to run statement by statement. Correct it.`,
    { place },
  )
}

/** In characters; of a longer text the server is the judge. */
const checkedLength = 1 << 20

/** A mistake in a later step would leave the earlier ones done. @throws UsageError */
function requireSyntax(part: SqlPart): void {
  for (const piece of split(part.source, part.start, part.end)) {
    const text = textOf(part.source, piece)
    if (piece.first === '\\restrict' || parseStatements(text)) continue
    const wrong = syntaxError(text)
    const place = placeAt(part.file, part.source, piece.start + (wrong?.offset ?? 0))
    throw new UsageError(
      `${part.file}, line ${place.line}, column ${place.column}: ${wrong?.message ?? 'syntax error'}. It is to run statement by statement, and cannot be split. Correct it.`,
      { place },
    )
  }
}

/** Why a text cannot be run, as the operator is to read it. */
export function refusedPlan(part: SqlPart, { message, offset }: PlanError): UsageError {
  const place = placeAt(part.file, part.source, offset)
  return new UsageError(`${part.file}, line ${place.line}: ${message}`, { place })
}
