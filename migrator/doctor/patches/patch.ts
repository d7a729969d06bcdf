// What an overlay says of services: plain values, and the two marks by which Compose takes a value away.

/** In an overlay's text, `!reset null`: the key is taken away. */
export const reset: unique symbol = Symbol('!reset')

/** In an overlay's text, `!override`: the value takes the place of the one below, where Compose would merge. */
export class Override {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** Services by name, with what is to be laid over each; and named volumes to declare. */
export interface Patch {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly volumes?: Readonly<Record<string, unknown>>
}
