// The whole page: its sections, one style, one script, and the policy that lets nothing else in.

import { createHash } from 'node:crypto'
import { Html, html } from './html.ts'
import { script } from './script.ts'
import { type SectionName, titles } from './sections.ts'
import { style } from './style.ts'

/** Nothing from elsewhere, no form, no frame; style and script are these two alone, by their hashes. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
} as const

/** The page as it is first loaded. Its sections are put in again one by one, as they change. */
export function document(sections: Readonly<Record<SectionName, Html>>, isOpen: boolean, version: string): string {
  const section = ([name, title]: [string, string]) => html`<section class="${name}" aria-labelledby="${name}-title">
<h2 id="${name}-title">${title}</h2>
<div id="${name}">${sections[name as SectionName]}</div>
</section>`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${isOpen ? 'Open' : 'Closed'} · schemagate</title>
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>${new Html(style)}</style>
</head>
<body>
<header><h1>schemagate</h1><p id="live">not live</p></header>
<main>
${Object.entries(titles).map(section)}
</main>
<footer><p>schemagate ${version}. This page changes nothing. <a href="/metrics">Metrics</a></p></footer>
<script>${new Html(script)}</script>
</body>
</html>
`.text
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
