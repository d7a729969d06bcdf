// Numbered files and folders with a program in another language, or a template: only their own tool can run them.

import { isNoMigration } from './layouts.ts'
import { tools } from './tools/index.ts'
import type { Listing, Tool } from './tools/tool.ts'

/** A number as any of the tools writes it. */
const numbered = /^(?:\d|[VUB]\d|R__|(?:Version|Migration)\d|m\d{6,8}_\d)/

const languages: readonly (readonly [RegExp, string])[] = [
  [/\.go$/i, 'in Go, which only its own tool (goose, bun, gormigrate) can run'],
  [/\.(?:java|kt|kts|groovy|scala)$/i, 'for the JVM, which only its own tool (Flyway) can run'],
  [/\.py$/i, 'in Python, which only its own tool (Alembic, Django, yoyo) can run'],
  [/\.rb$/i, 'in Ruby, which only its own tool (Rails, Sequel) can run'],
  [/\.exs?$/i, 'in Elixir, which only its own tool (Ecto) can run'],
  [/\.php$/i, 'in PHP, which only its own tool (Laravel, Doctrine, Phinx, Yii) can run'],
  [/\.(?:cs|fs|vb)$/i, 'for .NET, which only its own tool (EF Core, FluentMigrator) can run'],
  [/\.rs$/i, 'in Rust, which only its own tool (refinery, SeaORM) can run'],
  [/\.(?:clj|edn|cr|gleam|dart|swift|pl|lua|hs|ml|erl|edgeql)$/i, 'in a language that only its own tool can run'],
  [/\.(?:sh|bash|ps1|bat|cmd)$/i, 'that is a script, which schemagate does not run'],
  [
    /\.(?:tmpl|tpl|template|gotmpl|j2|jinja2?|erb|eex|ejs|hbs|mustache|liquid)$/i,
    'that is a template, which only its own tool fills in',
  ],
  // Docker's image of Postgres runs them from its initdb.d
  [/\.sql\.(?:gz|bz2|xz|zst|lz4|zip)$/i, 'that is compressed, which schemagate does not unpack'],
  [/\.(?:pgsql|psql|plpgsql|plsql|ddl|(?:sql\.)?(?:postgres(?:ql)?|pg))$/i, 'whose name does not end in .sql'],
]

const modules = /\.(?:ts|mts|cts|js|mjs|cjs|tsx)$/i

/** A file that schemagate leaves out and a tool would run. */
export interface OtherCode {
  /** What it is, as the end of a sentence. */
  readonly what: string
  /** Whose it is, where that is certain. */
  readonly tool?: Tool | undefined
}

/** What a numbered file is that schemagate leaves out and a tool would run. */
export function onlyItsTool(fileName: string, folderTool: Tool | undefined, text: () => string): OtherCode | undefined {
  if (!numbered.test(fileName) || isNoMigration(fileName)) return undefined
  return whatOf(fileName, folderTool, text)
}

function whatOf(fileName: string, folderTool: Tool | undefined, text: () => string): OtherCode | undefined {
  const known = [...(folderTool ? [folderTool] : []), ...tools]
  const tool = known.find(({ code }) =>
    code?.some(({ pattern, text: sign }) => pattern.test(fileName) && (sign === undefined || sign.test(text()))),
  )
  if (tool) return { what: `is a migration that only ${tool.title} can run`, tool }
  const language = languages.find(([pattern]) => pattern.test(fileName))?.[1]
  return language === undefined ? undefined : { what: `is a migration ${language}` }
}

/** The file in a numbered folder without SQL that a tool would run, and what it is. */
export function codeInFolder(
  listing: Listing,
  folder: string,
  folderTool: Tool | undefined,
): (OtherCode & { readonly file: string }) | undefined {
  if (!numbered.test(folder)) return undefined
  for (const file of listing.folders.get(folder) ?? []) {
    if (file.startsWith('.') || isNoMigration(file)) continue
    const path = `${folder}/${file}`
    if (modules.test(file))
      return {
        file: path,
        what: 'is code in a folder inside the migrations folder, and code is read from the migrations folder itself',
      }
    const code = whatOf(file, folderTool, () => listing.text(path) ?? '')
    if (code) return { file: path, ...code }
  }
  return undefined
}

/** The tool that a folder without any migration belongs to, if its files show it. */
export function codeToolOf(listing: Listing): Tool | undefined {
  const inside = [...listing.folders].flatMap(([folder, files]) => files.map(file => `${folder}/${file}`))
  for (const path of [...listing.files, ...inside].slice(0, 200)) {
    const tool = tools.find(({ code }) =>
      code?.some(({ pattern, text }) => text && pattern.test(path) && text.test(listing.text(path) ?? '')),
    )
    if (tool) return tool
  }
  return undefined
}
