// Migration tools by how they are called: in a command, as an image, with a step that is fixed.

import type { Image } from '../compose/image.ts'

export interface MigrationTool {
  readonly name: string
  /** A command of this form applies migrations. */
  readonly command: RegExp
  /** The last part of its image's name, or owner and name. */
  readonly image?: RegExp
  /** Its image's arguments, where they have not the tool's name before them. */
  readonly imageArguments?: RegExp
  /** Its image without arguments applies migrations, too. */
  readonly imageMigratesByItself?: boolean
  /** A number or a target in the command: what comes after it is never applied. */
  readonly fixedStep?: RegExp
  /** The command goes on to serve. */
  readonly serves?: RegExp
}

// what stands in a repeated group must be readable in one way only: in two ways, twenty words are a million
const tools: readonly MigrationTool[] = [
  {
    name: 'schemagate',
    command: /\bschemagate(\.c?js)?\s+(up|follow)\b/,
    image: /schemagate/,
    imageArguments: /^(up|follow)\b/,
    imageMigratesByItself: true,
    fixedStep: /\bup\b.*--to[ =]/,
  },
  {
    name: 'golang-migrate',
    command: /\bmigrate\b.*\s--?(database|path|source)\b.*\s(up|goto)\b/,
    image: /^(migrate\/migrate|.*golang-migrate.*)$/,
    imageArguments: /(^|\s)(up|goto)\b/,
    // and not `up 2>&1`
    fixedStep: /\bup\s+\d+(?![\d>])|\bgoto\s+\d+/,
  },
  {
    name: 'goose',
    command: /\bgoose\b.*\s(up|up-to|up-by-one)\b/,
    image: /(^|\/|-)goose(-\w+)*$/,
    imageArguments: /(^|\s)(up|up-to|up-by-one)\b/,
    imageMigratesByItself: true,
    fixedStep: /\bup-to\s+\d+|\bup-by-one\b/,
  },
  {
    name: 'Flyway',
    command: /\bflyway\b.*\bmigrate\b|\bflyway:migrate\b|\bflywayMigrate\b/,
    image: /(^|\/)flyway(-\w+)*$/,
    imageArguments: /\bmigrate\b/,
    fixedStep: /-target=(?!latest|next)[\w.?]+/i,
  },
  {
    name: 'Liquibase',
    command: /\bliquibase\b.*\bupdate\b|\bliquibase:update\b/,
    image: /(^|\/)liquibase(-\w+)*$/,
    imageArguments: /\bupdate/,
    fixedStep: /\bupdate-?(count|to-tag|one-changeset)\b/i,
  },
  {
    name: 'Atlas',
    command: /\batlas\b.*\b(migrate|schema)\s+apply\b/,
    image: /^arigaio\/atlas/,
    imageArguments: /\b(migrate|schema)\s+apply\b/,
    fixedStep: /\bapply\s+\d+\b|--to-version\b/,
  },
  {
    name: 'dbmate',
    command: /\bdbmate\b.*\s(up|migrate)\b/,
    image: /(^|\/)dbmate$/,
    imageArguments: /(^|\s)(up|migrate)\b/,
  },
  {
    name: 'Alembic',
    command: /\balembic\b.*\bupgrade\b|\b(db|database)\s+upgrade\b/,
    fixedStep: /\bupgrade\s+(?!(heads?|--?\S+)\b)['"]?(\+\d+|[0-9a-f]{6,}|[\w-]+@\w+:\w+)/,
  },
  {
    name: 'Django',
    command:
      /\b(manage(\.py)?|django-admin(\.py)?|-m\s+django)\s+(.*\s)?(migrate|migrate_schemas)\b|\bmigrate\s+--no-?input\b/,
    fixedStep: /\bmigrate\s+[a-z_]+\s+\d{4}/,
  },
  { name: 'Aerich', command: /\baerich\s+upgrade\b/ },
  { name: 'Piccolo', command: /\bpiccolo\s+migrations?\s+forwards?\b/ },
  { name: 'yoyo', command: /\byoyo(-migrate)?\b.*\bapply\b/ },
  { name: 'Airflow', command: /\bairflow\s+(db\s+(init|upgrade|migrate)|initdb|upgradedb)\b/ },
  {
    name: 'Rails',
    command:
      /\b(rails|rake)\b.*\bdb:(\w+_)?(migrate(:primary)?|prepare|setup|reset|schema:load|structure:load)\b(?!:(status|down|rollback))/,
    fixedStep: /\bdb:migrate\b.*\bVERSION=\d+/,
  },
  {
    name: 'Prisma',
    command: /\bprisma\b.*\b(migrate\s+(deploy|dev|reset)|db\s+push)\b/,
  },
  { name: 'Wasp', command: /\bwasp\s+db\s+migrate-dev\b/ },
  { name: 'Drizzle', command: /\bdrizzle-kit\s+(migrate|push)\b/ },
  { name: 'Diesel', command: /\bdiesel\b.*\b(migration\s+run|(database\s+)?setup)\b/ },
  {
    name: 'sqlx',
    command: /\bsqlx\b.*\b(migrate\s+run|(database|db)\s+(setup|reset))\b/,
    fixedStep: /--target-version\b/,
  },
  { name: 'SeaORM', command: /\bsea-orm-cli\s+migrate\b/ },
  { name: 'refinery', command: /\brefinery\s+migrate\b/ },
  // before Knex and TypeORM, whose scripts are known without their names
  { name: 'Kysely', command: /\bkysely\b.*\bmigrate(:|\s+)(latest|up)\b/ },
  { name: 'MikroORM', command: /\bmikro-orm\S*\s+(migration:(up|fresh)|schema:(create|update|fresh))\b/ },
  { name: 'Knex', command: /\bknex\b.*\bmigrate:(latest|up)\b|\bmigrate:latest\b/, fixedStep: /\bmigrate:up\b/ },
  { name: 'Sequelize', command: /\bsequelize(-cli)?\b.*\bdb:migrate\b/, fixedStep: /\bdb:migrate\b.*--to\b/ },
  { name: 'TypeORM', command: /\b(typeorm\S*\s+)?(migrations?:(run|up)|schema:sync)\b/ },
  { name: 'node-pg-migrate', command: /\bnode-pg-migrate\b.*\bup\b/, fixedStep: /\bup\s+\d+(?![\d>])/ },
  { name: 'graphile-migrate', command: /\bgraphile-migrate\s+(migrate|reset)\b/ },
  { name: 'db-migrate', command: /\bdb-migrate\b.*\bup\b/, fixedStep: /\bup:\w+|\bup\s+-c\s*\d+/ },
  {
    name: 'Ecto',
    command:
      /\becto\.(migrate|setup|reset|load)\b|\bRelease\.migrate\b|\bMigrator\.\w+|\S\s+eval\s.*\.(\w+_)?migrate\b/,
  },
  { name: 'Laravel', command: /\bartisan\b.*\bmigrate(:fresh|:refresh)?\b(?!:(status|rollback|reset))/ },
  { name: 'Doctrine', command: /\bdoctrine:(migrations:migrate|schema:(update|create))\b|\bd:m:m\b/ },
  { name: 'Phinx', command: /\b(phinx|cake(\.php)?\s+migrations|yii|spark)\s+migrate\b/ },
  { name: 'Entity Framework', command: /\bdotnet[\s-]ef\s+database\s+update\b|\befbundle\b/ },
  { name: 'Hasura', command: /\bhasura(-cli)?\b.*\b(migrate\s+apply|deploy)\b/ },
  { name: 'Supabase', command: /\bsupabase\b.*\b(db\s+push|migration\s+up)\b/ },
  { name: 'Directus', command: /\bdirectus\b.*\b(bootstrap|database\s+migrate:(latest|up)|database\s+install)\b/ },
  { name: 'Medusa', command: /\bmedusa\b.*\b(db:(migrate|setup)|migrations\s+run)\b/ },
  { name: 'Payload', command: /\bpayload\s+migrate\b/ },
  { name: 'AdonisJS', command: /\bace(\.js)?\s+migration:(run|fresh)\b/ },
  { name: 'tern', command: /\btern\s+migrate\b/, fixedStep: /--destination\b|\s-d\s+\d+/ },
  { name: 'sql-migrate', command: /\bsql-migrate\s+up\b/, image: /sql-migrate/, fixedStep: /-limit[= ]\d+/ },
  { name: 'Buffalo', command: /\b(soda|buffalo\s+pop|buffalo\s+db)\s+migrate\b/ },
  { name: 'Sqitch', command: /\bsqitch\b.*\bdeploy\b/, image: /^sqitch\/sqitch/, imageArguments: /\bdeploy\b/ },
  { name: 'pgroll', command: /\bpgroll\b.*\b(migrate|start)\b/ },
  {
    name: 'grate',
    command: /\b(grate|roundhouse|rh)\b.*--?(c|connectionstring|sqlfilesdirectory)\b/i,
    image: /(^|\/)grate$/,
  },
  { name: 'Temporal', command: /\btemporal-sql-tool\b.*\bupdate(-schema)?\b/ },
  {
    name: 'Zitadel',
    command: /\bstart-from-(init|setup)\b|\bzitadel\s+(init|setup)\b/,
    image: /(^|\/)zitadel$/,
    imageArguments: /^(init|setup)\b/,
    serves: /\bstart-from-(init|setup)\b/,
  },
  { name: 'Kong', command: /\bkong\s+migrations\s+(bootstrap|up|finish)\b/ },
  { name: 'Sentry', command: /\bsentry\s+upgrade\b|^upgrade\s+--noinput/ },
]

/** What only looks at migrations, or writes new ones, as `flask db migrate` does. */
const onlyLooks =
  /\bflask\b.*\bdb\s+migrate\b|\b(makemigrations|showmigrations|sqlmigrate|check(-status)?|migrate[:\s]+(status|diff|resolve|new|create|list|make|hash|lint|down|version|force|rollback|pending|unlock|validate|inspect)|migrations?[:\s]+(create|generate|new|add|list|status|revert|show|remove|script)|--check|--dry-?run|--plan|generate|revision)\b/

/** A tool of the project's own: a word of the command is `migrate`, or a script is called so. */
const ofTheProject: readonly RegExp[] = [
  /(^|[\s/"'])migrate\s+(-\S+\s+((?!-|(up|goto)\b)\S+\s+)?)*(up|goto)\b/,
  // npm run migrate, yarn db:migrate:prod, make migrate, task migrate-up, ./migrate, bin/migrate.sh, dist/migrate.js
  /^(?:\S+\/)?(?:npm|pnpm|yarn|bun|npx|bunx|make|just|task|composer|deno|turbo|nx|rake|pipenv|poetry|uv|hatch|invoke|inv)\b(?:\s+(?:(?:--filter|--prefix|-w|-C|workspace)\s+\S+|(?!(?:--filter|--prefix|-w|-C)\s)-\S+|run|run-script|exec|task))*\s+\S*migrat(?:e|ions?)\b\S*/i,
  /^(?:\S+\/)?(?:npm|pnpm|yarn|bun)\b.*\s(?:db|database|schema|prisma|drizzle)[:-](?:push|deploy|sync|init|setup|update|upgrade)\b/i,
  /^(?:(?:\S+\/)?(?:sh|bash|ash|node|bun|deno|tsx|ts-node|python3?|python3?\.\d+|ruby|php|go|cargo|java|dotnet|perl|elixir)\s+(?:-\S+\s+)*(?:run\s+)?(?:--\S+\s+)*)?\S*(?:\b|_|db|run|apply)migrat(?:e|or|ions?)[\w.-]*\.(?:sh|bash|js|mjs|cjs|ts|mts|py|rb|php|dll|jar|go|exe|bash|pl|exs|ex)\b/i,
  /^(?:go\s+run\s+|cargo\s+run\s+(?:\S+\s+)*(?:--bin|-p)\s+|dotnet\s+run\s+(?:\S+\s+)*--project[\s=])\S*migrat\S*/i,
  /^(?:python3?|uv\s+run|poetry\s+run)\b.*\s-m\s+\S*(?:\b|_)migrat\w*/i,
  /^(?:\S+\/)?(?:run[-_])?(?:db[-_])?migrat(?:e|ions?|or)(?:[-_](?:db|database|up|all|run))?$/i,
  /^(?:\S+\/)(?:run[-_])?(?:db[-_])?migrat(?:e|ions?|or)(?:[-_]\w+)?(?:\s|$)/i,
  /\bdb[:.](\w+_)?(migrate|prepare)\b(?!:(status|down|rollback|undo))/,
  // SERVER migrate, SERVER db migrate, SERVER migrations up
  /^(?!(?:sh|bash|echo|printf|rm|cp|mv|ls|cat|cd|mkdir|chown|chmod|test|\[|export|set|git|pip|apt-get|apk|npm|tail|grep|find|until|while|if)\b)\S+(?:\s+(?!-h\b)[\w=./:@-]+)*?\s(?:database\s+|db\s+|sql\s+|schema\s+|storage\s+)?(?:migrate|migration|migrations|migrate-up|db-migrate|dbmigrate|migratedb|migrate_db|migrate-and-\w+)(?=\s|$|:)/i,
]

export interface Migration {
  readonly tool: string
  readonly fixedStep: boolean
  /** By the same command. */
  readonly alsoServes: boolean
}

/** Whether a command applies migrations, and by which tool. @param text the command, its words joined by spaces */
export function migrationIn(text: string): Migration | undefined {
  // docker compose exec api migrate is run by another container
  if (/^(docker(-compose)?|podman|kubectl|ssh)\s/.test(text)) return undefined
  if (/^(echo|printf|export|set|cd|mkdir|rm|cp|ls|cat|git|command|which|type|#)\b/.test(text)) return undefined
  const looked = text.replaceAll(/\b(prisma|drizzle-kit)\s+generate\b/g, '')
  const tool = tools.find(({ command }) => command.test(looked))
  if (tool) {
    if (
      /\b(makemigrations|showmigrations|sqlmigrate|--check|--dry-?run|--plan)\b/.test(looked) &&
      !/\bmigrate\b(?!.*--)/.test(looked)
    )
      return undefined
    return byTool(tool, looked)
  }
  if (onlyLooks.test(looked)) return undefined
  // psql that is fed files
  if (/\bpsql\b.*(\s-[a-zA-Z]*f\s*|\s--file[= ]|\s<\s)\S*/.test(text)) {
    const file = /(?:\s-[a-zA-Z]*f\s*|\s--file[= ]|\s<\s)(\S+)/.exec(text)?.[1] ?? ''
    return /migrat|schema|\.sql|\$/i.test(file) ? { tool: 'psql', fixedStep: false, alsoServes: false } : undefined
  }
  // no pattern below takes anything without it
  if (!/migrat|(db|database|schema|prisma|drizzle)[:.-]/i.test(looked)) return undefined
  const started = looked.replace(launcher, '').replaceAll(loaded, '')
  return ofTheProject.some(pattern => pattern.test(looked) || pattern.test(started))
    ? { tool: "the project's own", fixedStep: false, alsoServes: false }
    : undefined
}

function byTool({ name, fixedStep, serves }: MigrationTool, text: string): Migration {
  return { tool: name, fixedStep: fixedStep?.test(text) ?? false, alsoServes: serves?.test(text) ?? false }
}

/** What brings the interpreter: `npx tsx migrate.ts`, `uv run python migrate.py`. */
const launcher =
  /^(?:(?:npx|bunx|pnpx)\s+(?:-\S+\s+)*|(?:poetry|uv|pipenv|pdm|hatch|rye)\s+run\s+|(?:npm|pnpm|yarn|bun)\s+(?:(?:exec|dlx|run|x|--)\s+)*)/

/** What Node loads before the script: `node -r dotenv/config migrate.js`. */
const loaded = /\s(?:-r|--require|--import|--loader)\s+\S+/g

/** The flag by which a server migrates before it serves: those of Vapor, Serverpod, Svix and others that name it alike. */
export function migrationFlag(text: string): string | undefined {
  const [, flag] =
    /(?:^|\s)(--?(?:auto|run|apply)-?migrat(?:e|ions?))(?:[= ](?:true|yes|1|on))?(?=\s|$)(?!\s+(?:false|no|0|off)\b)/i.exec(
      text,
    ) ?? []
  return flag
}

/** Whether a command ends well only where no migration is pending: it waits for them, or fails. */
export function waitsForMigrations(text: string): boolean {
  return /\bschemagate(\.c?js)?\s+wait\b|\bmanage(\.py)?\s+(wait_for_migrations|migrate\s+(.*\s)?--check)\b|\bairflow\s+db\s+check-migrations\b|\bdb:abort_if_pending_migrations\b/.test(
    text,
  )
}

/** What goes back, or writes, lists or checks migrations: `migrate down 1`, `flyway info`. @param text a command or its name */
export function isBesideMigrations(text: string): boolean {
  return /(^|[\s:]|migrat\w*[:_-])(down|downgrade|rollback|revert|undo|drop|force|create|new|make|revision|status|info|repair|clean|validate)(?=$|\s|[_-]?migrat)/i.test(
    text,
  )
}

/** The migration tool that an image is of. */
export function toolOfImage(image: Image): MigrationTool | undefined {
  return tools.find(one => one.image?.test(one.image.source.includes('\\/') ? image.repository : image.name))
}

/** The migration that a tool's image runs with these arguments; `no command` where it would only print its help. */
export function migrationOfImage(image: Image, args: string): Migration | 'no command' | undefined {
  const tool = toolOfImage(image)
  if (!tool) return undefined
  // its program alone, where the entrypoint is written down
  if (args === '' || args.split('/').at(-1) === image.name)
    return tool.imageMigratesByItself ? byTool(tool, args) : 'no command'
  if (tool.imageArguments?.test(args) || tool.command.test(args)) return byTool(tool, args)
  return undefined
}

/** An environment variable that makes an image migrate at its start. */
export function migrationSwitch(environment: Readonly<Record<string, string>>): string | undefined {
  for (const [written, value] of Object.entries(environment)) {
    const name = inSnakeCase(written)
    const on = /^(1|true|yes|on|enabled?|always)$/i.test(value.trim())
    const off = /^(0|false|no|off|disabled?|never)$/i.test(value.trim())
    if (on && switchesOn.test(name) && !/SKIP|DISABLE|NO_|PREVENT/i.test(name)) return written
    if (off && switchesOff.test(name)) return written
    if (/^SPRING_JPA_HIBERNATE_DDL_?AUTO$/i.test(name) && /^(update|create|create-drop)$/i.test(value)) return written
  }
  return undefined
}

/** A variable that keeps an image from migrating: then it does so where it is not set. */
export function migrationSwitchedOff(environment: Readonly<Record<string, string>>): string | undefined {
  const on = /^(1|true|yes|on)$/i
  return Object.entries(environment).find(
    ([name, value]) => switchesOff.test(inSnakeCase(name)) && on.test(value.trim()),
  )?.[0]
}

/** As .NET writes them: `Database__RunMigrationsOnStartup`, `Database:AutoMigrate`. */
function inSnakeCase(name: string): string {
  return name.replaceAll(':', '_').replace(/(?<=[a-z\d])(?=[A-Z])/g, '_')
}

const switchesOn =
  /^(.*_)?(RUN|AUTO|APPLY|ENABLE|DO|PERFORM|EXECUTE|START|STARTUP|FORCE)_*(DB_|DATABASE_|SCHEMA_|PRISMA_|ALEMBIC_|DJANGO_|SQL_|POSTGRES_)*(MIGRATE|MIGRATIONS?)(_.*)?$|^(.*_)?(DB|DATABASE|SCHEMA)?_*(MIGRATE|MIGRATIONS?)_*(ON|AT)_*(START|STARTUP|BOOT|LAUNCH)$|^(.*_)?AUTO_?MIGRATE(_.*)?$|^(.*_)?AUTO_?MIGRATIONS?$|^(DB_|DATABASE_|DJANGO_)?MIGRATE(_DB|_DATABASE)?$|^_AIRFLOW_DB_(MIGRATE|UPGRADE)$|^(SPRING_)?(FLYWAY|LIQUIBASE)_ENABLED$|^(.*_)?MIGRATIONS?_(ENABLED?|AUTO|RUN|AUTORUN|AUTO_RUN)$|^(.*_)?(RUN|AUTO)_(DB|DATABASE)_(UPGRADE|UPDATE)$/i

const switchesOff =
  /^(.*_)?(SKIP|DISABLE|NO|PREVENT)_*(AUTO_*)?(DB_|DATABASE_|SCHEMA_|PRISMA_|POSTGRES_)*(MIGRATE|MIGRATIONS?)(_.*)?$|^(.*_)?MIGRATIONS?_DISABLED$/i
