// Compose files to findings: reads them, asks every rule, leaves out what a comment silences.

import { redactor } from '../text/redact.ts'
import { type Compose, type LoadOptions, loadCompose } from './compose/load.ts'
import type { Place } from './compose/places.ts'
import { type Ignore, ignoresIn } from './ignore.ts'
import { buildStack, labelComplaints, missingEnvFiles, type Stack } from './model/stack.ts'
import type { Patch } from './patches/patch.ts'
import { rules } from './rules/index.ts'
import type { Rule, Severity, Violation } from './rules/rule.ts'
import type { ImageConfig } from './startup/startup.ts'

export interface Finding {
  readonly rule: Rule
  readonly severity: Severity
  readonly service: string | undefined
  readonly place: Place
  readonly what: string
  readonly patch: Patch | undefined
}

export interface Diagnosis {
  readonly stack: Stack
  /** Errors first, then warnings, then notes; each in the order of the file. */
  readonly findings: readonly Finding[]
  /** Silenced by a comment. */
  readonly silenced: readonly Finding[]
  /** How the files were read, and what is wrong with comments that silence. */
  readonly notes: readonly string[]
}

export interface DiagnoseOptions extends LoadOptions {
  /** Looks at an image's entrypoint and command; undefined where it is not here. */
  readonly inspectImage?: ((image: string) => Promise<ImageConfig | undefined>) | undefined
}

/** @throws UsageError where a file cannot be read or is no compose file */
export async function diagnose(files: readonly string[], options: DiagnoseOptions): Promise<Diagnosis> {
  const compose = await loadCompose(files, options)
  const images = options.inspectImage ? await inspectAll(compose, options.inspectImage) : undefined
  return examine(buildStack(compose, images))
}

/** What the rules find in a stack that is read. */
function examine(stack: Stack): Diagnosis {
  const { compose } = stack
  const all = rules.flatMap(rule => [...rule.check(stack)].map(violation => toFinding(compose, rule, violation)))
  const ignores = compose.documents.flatMap(ignoresIn)
  const valid = ignores.filter(({ reason, rule }) => reason !== '' && rules.some(({ id }) => id === rule))
  const used = new Set<Ignore>()
  const isSilenced = (finding: Finding) => {
    const ignore = valid.find(one => silences(one, finding, compose))
    if (ignore) used.add(ignore)
    return ignore !== undefined
  }
  const silenced = all.filter(isSilenced)
  const hidden = new Set(silenced)
  const findings = all.filter(finding => !hidden.has(finding))
  return {
    stack,
    findings: findings.toSorted(byWeight),
    silenced,
    notes: [...compose.notes, ...missingEnvFiles(stack), ...labelComplaints(stack), ...complaints(ignores, used)],
  }
}

const redact = redactor()

function toFinding({ places }: Compose, rule: Rule, violation: Violation): Finding {
  const { service, path, top, what, patch } = violation
  const place = service === undefined ? (places.top(top ?? '') ?? places.of('')) : places.of(service, path)
  return { rule, severity: rule.severity, service, place, what: redact(what), patch }
}

/** A comment at the service's name speaks of all that is below. */
function silences(ignore: Ignore, { rule, service, place }: Finding, { places }: Compose): boolean {
  if (ignore.rule !== rule.id) return false
  const isAt = ({ file, line }: Place) => file === ignore.place.file && line === ignore.line
  return isAt(place) || (service !== undefined && places.beginnings(service).some(isAt))
}

function complaints(ignores: readonly Ignore[], used: ReadonlySet<Ignore>): string[] {
  return ignores.flatMap(ignore => {
    const at = `${ignore.place.file}:${ignore.place.line}: schemagate-ignore`
    if (!rules.some(({ id }) => id === ignore.rule)) return [`${at} names no rule: ${JSON.stringify(ignore.rule)}.`]
    if (ignore.reason === '')
      return [`${at} silences nothing without a reason: # schemagate-ignore: ${ignore.rule} REASON`]
    return used.has(ignore) ? [] : [`${at} of ${ignore.rule} silences nothing, and can go.`]
  })
}

const weights: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

function byWeight(a: Finding, b: Finding): number {
  return (
    weights[a.severity] - weights[b.severity] ||
    (a.place.file < b.place.file ? -1 : a.place.file > b.place.file ? 1 : 0) ||
    a.place.line - b.place.line
  )
}

async function inspectAll(compose: Compose, inspect: NonNullable<DiagnoseOptions['inspectImage']>) {
  const names = new Set(
    Object.values(compose.services).flatMap(({ image }) => (typeof image === 'string' ? [image] : [])),
  )
  const images = new Map<string, ImageConfig>()
  for (const name of names) {
    const config = await inspect(name)
    if (config) images.set(name, config)
  }
  return images
}
