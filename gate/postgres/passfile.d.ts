import type { Endpoint, Target } from './target.ts'
/**
 * The password for an endpoint of a target: the target's own, else that of the first line that fits. As in libpq a file
 * that is not there, or that others may read, is passed over.
 */
export declare function passwordFor(target: Target, { host, name, port }: Endpoint): string | undefined
