import type { Manifest } from './manifest.ts'
/** The name of a gate that has let go: its app answers nothing until the ledger permits it again. */
export declare const DRAINED = 'schemagate:drained'
/** The name of a gate's second connection, the one that looks at the ledger. It announces nothing. */
export declare const LOOKING = 'schemagate:looking'
/** What a session's `application_name` tells of the app that it belongs to. */
export interface Announcement {
  /** 12 hex digits of the sha256 of the head's name; compare with `headHash` of the names you know. */
  readonly hash: string
  /** The head's name, perhaps cut, perhaps with question marks: for people only. */
  readonly head: string
}
/** The `application_name` for an app with this manifest. At most 63 bytes of printable ASCII. */
export declare function announce(manifest: Manifest): string
/** Reads an announcement; undefined for any other name, and for the names of gates that have let go or only look. */
export declare function parseAnnouncement(applicationName: string): Announcement | undefined
/** The hash by which a head's name stands in an announcement. */
export declare function headHash(head: string | null): string
