// How long a request may take to arrive.

/** Milliseconds between two checks of requests that are still arriving. */
const checkEvery = 1_000

/**
 * Fastify's options for a request that has to have arrived, headers and body, `milliseconds` after it began. Node checks
 * every 30 seconds only, and takes the longer of `requestTimeout` and `headersTimeout` (60 seconds) for the body.
 */
export function requestLimits(milliseconds: number) {
  return {
    requestTimeout: milliseconds,
    http: { headersTimeout: milliseconds, connectionsCheckingInterval: Math.min(checkEvery, milliseconds) },
  }
}
