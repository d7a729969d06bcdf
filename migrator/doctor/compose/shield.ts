// Compose's variables in a text that a shell's rules are applied to: they stay whole, and their values stay out of it.

import { replaceVariables } from './interpolate.ts'

/** Each character of a variable is moved to where no shell has a meaning for it. */
const offset = 0xe000

/** What the container's shell reads, with each variable of Compose as one piece of a word. */
export function shield(text: string): string {
  return replaceVariables(text, whole =>
    whole.replace(/[\0-\x7f]/g, character => String.fromCharCode(offset + character.charCodeAt(0))),
  )
}

/** Whether one of Compose's variables is in it. */
export function isShielded(text: string): boolean {
  return /[\ue000-\ue07f]/.test(text)
}

/** As a person reads it: each variable by its name. */
export function unshield(text: string): string {
  return text.replace(/[\ue000-\ue07f]/g, character => String.fromCharCode(character.charCodeAt(0) - offset))
}

/** As a compose file has it: the shell's own dollar signs are doubled, those of Compose are not. */
export function toComposeText(text: string): string {
  return unshield(text.replaceAll('$', '$$$$'))
}
