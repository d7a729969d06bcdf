// The line that `create` writes where a part of a migration is to be written.

/** A part that holds it and no statement is refused: it would be recorded as applied, and what is written later never run. */
export const unwritten = '-- Write the SQL here, in place of this line.'
