// HTML from templates: whatever is put into one is escaped, unless it is HTML itself.

/** Text that is HTML already: `html` puts it in as it is. Made by hand only from what is in the source. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = Html | string | number | undefined | readonly Html[]

/** A template's HTML. Texts and numbers are escaped, for elements and for quoted attributes; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.reduce((all, text, i) => `${all}${textOf(values[i - 1])}${text}`))
}

function textOf(value: Value): string {
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(({ text }: Html) => text).join('')
  return value === undefined ? '' : escapeText(String(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character]!)
}
