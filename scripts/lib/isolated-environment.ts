// The environment of a compose project that has nothing to do with the user's own: for tests, the smoke test and the bench.

/** The tags that such projects give the images they build; `dev` is the user's. */
export type IsolatedTag = 'test' | 'smoke' | 'bench'

/** This process' environment without what the compose file reads. Goes with `--env-file /dev/null`. */
export function isolatedEnvironment(tag: IsolatedTag): NodeJS.ProcessEnv {
  const read =
    /^(POSTGRES_|APP_|PG[A-Z]+$|COMPOSE_|SCHEMAGATE_|JWT_SECRET|LOG_LEVEL|NODE_IMAGE|PROXY_IMAGE|IMAGE_TAG|IMAGE_PREFIX|PULL_POLICY|SECRETS$|SECRETS_DIR|WAIT_TIMEOUT|AUTH_RATE_LIMIT|VERSION$|REVISION$)/
  const own = Object.entries(process.env).filter(([name]) => !read.test(name))
  return { ...Object.fromEntries(own), IMAGE_TAG: tag }
}
