/** An SQL identifier, always quoted. @throws RangeError on a NUL character, which Postgres cannot hold. */
export declare function quoteIdent(name: string): string
/**
 * An SQL string literal that means the same whatever `standard_conforming_strings` says.
 * @throws RangeError on a NUL character.
 */
export declare function quoteLiteral(text: string): string
/** A DO block whose quoting no text inside can end. */
export declare function doBlock(body: string, declare?: string): string
