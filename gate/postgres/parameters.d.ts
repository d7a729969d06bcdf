/**
 * What becomes of a parameter. `read`: it does what libpq documents; of its `values`, if it has a list, one must be
 * given. `only`: the values that match are what happens in any case, others cannot be had. `setting`: a setting of the
 * session. `limit`: such a setting that a migrator makes itself. `path`: the session's search_path. `same`: another name
 * of a parameter of libpq's. `passed`: it concerns another driver, and is passed over with a line in the log. `refused`:
 * it would change what happens, and is not done.
 */
export type Rule =
  | {
      readonly does: 'read'
      readonly values?: readonly string[]
    }
  | {
      readonly does: 'only'
      readonly values: RegExp
      readonly why: string
    }
  | {
      readonly does: 'setting'
      readonly setting: string
    }
  | {
      readonly does: 'limit'
      readonly why: string
    }
  | {
      readonly does: 'path'
    }
  | {
      readonly does: 'same'
      readonly as: string
    }
  | {
      readonly does: 'passed'
      readonly why: string
    }
  | {
      readonly does: 'refused'
      readonly why: string
    }
export declare const sslModes: readonly ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']
/** All that is known, by name. */
export declare const parameters: ReadonlyMap<string, Rule>
/**
 * The variables that stand for parameters which a URL leaves out.
 * https://www.postgresql.org/docs/current/libpq-envars.html
 */
export declare const variables: Readonly<Record<string, string>>
