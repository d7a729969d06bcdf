// A compose project's containers, by the labels that Compose gives them.

/** For `docker ps`: the containers of this service, without those of `docker compose run`. */
export function ofService(project: string, service: string): string[] {
  const labels = [`project=${project}`, `service=${service}`, 'oneoff=False']
  return labels.flatMap(label => ['--filter', `label=com.docker.compose.${label}`])
}
