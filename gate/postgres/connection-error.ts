// What is wrong with the settings of a connection.

/** A connection string, a variable or a certificate cannot be used. No message holds a secret. */
export class ConnectionError extends TypeError {
  override readonly name = 'ConnectionError'
  /** A sentence each. */
  readonly problems: readonly string[]
  constructor(...problems: string[]) {
    super(problems.join(' '))
    this.problems = problems
  }
}
