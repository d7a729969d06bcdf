/** The parts of a connection string. */
export interface UrlParts {
  /** Decoded; what is not there, or is an empty user, password, host, port or database, has no entry. */
  readonly given: ReadonlyMap<string, string>
  /** sqlx's `options[NAME]=VALUE`. */
  readonly options: readonly (readonly [name: string, value: string])[]
}
/** `jdbc:postgresql://` is what it says after the colon. */
export declare function withoutJdbc(url: string): string
/** The same address for those who know only the scheme `postgresql`, and read a plus sign in a parameter as a blank. */
export declare function plainUrl(url: string): string
/** Reads a connection string. Problems are added to `problems`, and never hold what may be a password. */
export declare function readUrl(url: string, problems: string[]): UrlParts | undefined
/** What is said of a parameter that is not known; one that may be a part of a password is not repeated. */
export declare function unknownParameter(url: string, name: string, guess: string | undefined): string
/** What may be a password in a connection string, also in one that cannot be read: as written, and decoded. */
export declare function passwordsIn(url: string): string[]
