// Whether a service migrates at its start, and whether it serves afterwards.

import { type Image, parseImage } from '../compose/image.ts'
import type { Service } from '../compose/service.ts'
import type { BuildContext } from './build-context.ts'
import type { Startup } from './step.ts'
import { isHook, type Step } from './step.ts'
import {
  isBesideMigrations,
  type Migration,
  migrationFlag,
  migrationIn,
  migrationOfImage,
  migrationSwitch,
  toolOfImage,
} from './tools.ts'
import { isWaitWrapper } from './wrappers.ts'

export interface ServiceMigration extends Migration {
  /** It goes on to serve: no one-shot. */
  readonly alsoServes: boolean
  /** The step that migrates, where a command does; a switch has none. */
  readonly step: number | undefined
  /** The variable that switches it on, where one does. */
  readonly variable: string | undefined
  /** `no command`: a tool's image that would only print its help. */
  readonly hasNoCommand: boolean
}

/** Commands that prepare something and end. */
const preparation =
  /^(echo|printf|cd|export|set|sleep|test|\[\[?|mkdir|chown|chmod|cp|mv|rm|ln|cat|source|\.|true|false|:|exit|trap|kill|wait|touch|date|read|return|local|shift|unset|if|for|pip3?|apt-get|apk|git|curl|wget|psql|pg_isready|createdb|dropdb|nc|ls|env|pwd|whoami|umask|ulimit|id|grep|sed|awk|tail|head|case|\(\(.*|\w+=.*)$/
const seeding =
  /(seed|loaddata|fixture|collectstatic|compilemessages|createsuperuser|create[-_]?(super)?user|create[-_]?admin|createcachetable|\bgenerate\b|\binstall\b|\bbuild\b|\bci\b|bootstrap|initial[-_]?data|init[-_]?db|\binit\b|setup|populate|compress|clear|\bcache\b|ensure|sync_?(roles|permissions)|fab\s+create|assets:|storage:link|key:generate|config:|route:|view:|optimize|update_index|rebuild_index|create_topics|prestart|pre[-_]start|check\b|\bls\b|\bimport\b|\bcreate\b|--version|load[-_]\w+|register_)/i

/** @param isWaitedFor another service waits for its good end */
export function findMigration(
  service: Service,
  startup: Startup,
  context: BuildContext,
  isWaitedFor: boolean,
): ServiceMigration | undefined {
  const { steps } = startup
  const none = { step: undefined, variable: undefined, hasNoCommand: false }
  const image = imageStarted(service, context)
  const ofImage = imageMigration(service, steps, image)
  if (ofImage === 'no command')
    return { ...none, tool: 'the image', fixedStep: false, alsoServes: false, hasNoCommand: true }
  if (ofImage) return { ...none, ...ofImage, alsoServes: ofImage.alsoServes && !isWaitedFor }
  const at = steps.findIndex(step => !isAside(step) && migrationIn(step.text) !== undefined)
  const last = steps.findLastIndex(step => !isAside(step) && migrationIn(step.text) !== undefined)
  if (at >= 0) {
    const fixedStep = steps.some(({ text }) => migrationIn(text)?.fixedStep === true)
    const { tool } = migrationIn(steps[at]!.text)!
    const serves = migrationIn(steps[last]!.text)!.alsoServes
    const follows = steps.slice(last + 1).some(isServing) || steps.slice(at, last).some(isServingForSure)
    // a service with a port is there to be asked, whatever its command says, but for one that is called a migrator
    const isAsked = service.ports.length > 0 && !isNamedMigrator(service)
    const alsoServes = !isWaitedFor && (serves || follows || isAsked || isHook(steps[at]!))
    return { ...none, tool, fixedStep, step: at, alsoServes }
  }
  const variable = migrationSwitch(service.environment)
  if (variable !== undefined) {
    return {
      ...none,
      tool: 'its image',
      fixedStep: false,
      variable,
      alsoServes: !isWaitedFor && !isNamedMigrator(service),
    }
  }
  const flag = steps.map(({ text }) => migrationFlag(text)).find(one => one !== undefined)
  if (flag !== undefined)
    return { ...none, tool: flag, fixedStep: false, alsoServes: !isWaitedFor && !isNamedMigrator(service) }
  const twoPhases = steps.findLastIndex((step, i) => isFirstPhase(step, steps[i + 1]))
  if (twoPhases >= 0) {
    return { ...none, tool: "the project's own", fixedStep: false, step: twoPhases, alsoServes: !isWaitedFor }
  }
  const own = steps.filter(step => !isPreparing(step))
  if (service.restart === 'no' && own.length === 1 && isPhase(own[0]!, /^--/))
    return { ...none, tool: "the project's own", fixedStep: false, step: steps.indexOf(own[0]!), alsoServes: false }
  if (/auto-?(setup|migrat)/.test(service.image?.name ?? ''))
    return { ...none, tool: 'its image', fixedStep: false, alsoServes: !isWaitedFor }
  if (image?.repository === 'hasura/graphql-engine' && /cli-migrations/.test(image.tag))
    return { ...none, tool: 'Hasura', fixedStep: false, alsoServes: true }
  if (!isWaitedFor && isMigrationTool(service, startup, context)) return undefined
  if (isNamedMigrator(service) && !looksLasting(service) && !isProbablyDatabase(service)) {
    const idles =
      steps.length > 0 &&
      steps.every(({ text }) => /^(sleep|tail|cat|sh|bash|true|echo)\b|--help|(^|\s)(--)?version$/.test(text))
    return { ...none, tool: 'its image', fixedStep: false, alsoServes: false, hasNoCommand: idles }
  }
  return undefined
}

/** A service for what is done by hand beside the migrations: goes back, writes a new one, lists them. */
export function isMigrationTool(service: Service, { steps }: Startup, context: BuildContext): boolean {
  const image = imageStarted(service, context)
  if (!isNamedMigrator(service) && !(image && toolOfImage(image))) return false
  return [service.name, ...steps.filter(step => !isAside(step)).map(({ text }) => text)].some(isBesideMigrations)
}

/** The image whose entrypoint is run: the service's own, or that of its Dockerfile, which sets none. */
function imageStarted({ image, build, entrypoint }: Service, context: BuildContext): Image | undefined {
  const own = context.image
  if (!build || !own) return image
  if (entrypoint !== undefined || own.entrypoint !== undefined || own.base === undefined) return undefined
  return parseImage(own.base)
}

/** `server --upgrade && server`: the same program, first to bring its schema up to date. */
export function isFirstPhase(step: Step, next: Step | undefined): boolean {
  return next?.words[0] === step.words[0] && isPhase(step, /^/)
}

/** A program of the project's own that is told to bring its schema up to date, by a word of that form. */
function isPhase({ words: [program = '', ...rest] }: Step, form: RegExp): boolean {
  if (/^(npm|pnpm|yarn|bun|npx|node|python3?|pip3?|apt-get|apk|echo|poetry|uv)$/.test(program)) return false
  return rest.some(
    word => form.test(word) && /^(--?)?(upgrade|install|init-?db|db-?init|update-?db|sync-?db|setup-?db)$/.test(word),
  )
}

/** A migration counts also where no service waits for its end; one that only a test names does not. */
function isAside({ text }: Step): boolean {
  return /^(echo|printf|\[|test)\b/.test(text)
}

/** A command that goes on: whatever is neither preparation nor seed. */
export function isServing(step: Step): boolean {
  if (step.inLoop || step.isTest || step.words.length === 0) return false
  if (isPreparing(step) || migrationIn(step.text)) return false
  return isServingForSure(step) || !seeding.test(step.text)
}

/** It makes folders, sets rights, waits, and ends. */
export function isPreparing({ words: [first = ''] }: Step): boolean {
  const name = first.split('/').at(-1)!
  return preparation.test(name) || isWaitWrapper(name)
}

/** It does nothing, for ever. */
export function isIdling({ text, operator, isTest, conditions }: Step): boolean {
  const lasts = /^(tail\b.*\s(-[a-zA-Z]*[fF]|--follow)\b|sleep\s+(inf|infinity)\b)/.test(text)
  return lasts && operator !== '&' && !isTest && conditions.length === 0
}

/** Nothing else is run, as in a development container: `sleep infinity`, `while sleep 1000; do :; done`. */
export function onlyIdles(steps: readonly Step[]): boolean {
  const isEndless = ({ within }: Step) =>
    within.some(({ kind, condition }) => kind === 'loop' && /^while (true|:|sleep)\b/.test(condition))
  return steps.every(isPreparing) && steps.some(step => isIdling(step) || isEndless(step))
}

/** Servers and workers by their names. */
export function isServingForSure({ text }: Step): boolean {
  return /\b(uvicorn|gunicorn|hypercorn|daphne|granian|runserver\w*|celery|rqworker|dramatiq|flask\s+run|fastapi\s+(run|dev)|puma|unicorn|sidekiq|rails\s+(s|server)|thruster|node\s+\S*(server|main|index|app|dist)\S*|npm\s+(run\s+)?(start|dev|serve|worker)\S*|yarn\s+(run\s+)?(start|dev|serve|worker)\S*|pnpm\s+(run\s+)?(start|dev|serve|worker)\S*|next\s+(start|dev)|nodemon|pm2|phx\.server|supervisord|apache2-foreground|php-fpm|nginx|air|java\s+.*-jar|dotnet\s+\S+\.dll|streamlit|waitress|uwsgi|bin\/\w+\s+start|artisan\s+serve|octane|bun\s+(run\s+)?(start|dev))\b/.test(
    text,
  )
}

/** Workers and schedulers of an application, by what starts them: they work on its database. */
export function isWorker({ text }: Step): boolean {
  return /\b(celery\s.*\b(worker|beat)|rqworker|rq\s+worker|dramatiq|taskiq\s+worker|huey_consumer\S*|qcluster|sidekiq|resque:work|jobs:work|good_job|solid_queue\S*|delayed_job|queue:(work|listen)|artisan\s+horizon|schedule:work|reverb:start|messenger:consume)\b/.test(
    text,
  )
}

function imageMigration(
  service: Service,
  steps: readonly Step[],
  image: Image | undefined,
): Migration | 'no command' | undefined {
  if (!image) return undefined
  // the last step's words are the image's arguments; a shell before them was taken off
  const own = steps.flatMap(step => (isAside(step) ? [] : [step.text])).join(' ')
  const found = migrationOfImage(image, own)
  if (found === 'no command') {
    // some images take their command from the environment
    const inEnvironment = Object.entries(service.environment).find(([key]) => /COMMAND|GOOSE|FLYWAY_URL_CMD/i.test(key))
    return inEnvironment ? { tool: 'its image', fixedStep: false, alsoServes: false } : found
  }
  return steps.length > 1 && steps.some(isServingForSure) ? undefined : found
}

/** Whether its name, or its image's, says that it migrates: a hint, where its command tells nothing. */
function isNamedMigrator({ name, image }: Service): boolean {
  return /migrat/i.test(name) || /(^|[-_])migrat(e|or|ions?)([-_]|$)/i.test(image?.name ?? '')
}

/** It has what only a server has. */
function looksLasting({ ports }: Service): boolean {
  return ports.length > 0
}

function isProbablyDatabase({ healthcheck }: Service): boolean {
  return healthcheck !== undefined && healthcheck !== 'off' && /pg_isready/.test(healthcheck.test.join(' '))
}
