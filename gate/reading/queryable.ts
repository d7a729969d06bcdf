// What takes a query: a session of the gate's, or an app's own connection.

/** Anything that takes a query: a session, or an app's own connection that is to be verified. */
export interface Queryable {
  query<Row extends object>(text: string): Promise<Row[]>
  /** The same for a text that is sent again and again: the server plans it once. Not every connection can have that. */
  repeat?<Row extends object>(text: string): Promise<Row[]>
}
