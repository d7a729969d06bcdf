/** The one known name that begins with `name`; else the one with the fewest edits from it, if few enough to be a slip. */
export declare function nearest(name: string, candidates: Iterable<string>): string | undefined
