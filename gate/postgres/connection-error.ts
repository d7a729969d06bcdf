// What is wrong with the settings of a connection.

/** A connection string, a variable or a certificate cannot be used. The message has every problem, and no secret. */
export class ConnectionError extends TypeError {
  override readonly name = 'ConnectionError'
  /** The problems, a sentence each. */
  readonly problems: readonly string[]
  constructor(...problems: string[]) {
    super(problems.join(' '))
    this.problems = problems
  }
}
