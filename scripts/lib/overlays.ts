// The production stack's compose files.

/** From the repository's root, in the order in which Compose takes them. */
export const overlays = ['docker-compose.yml', 'docker/compose.prod.yml'] as const
