// The relative paths of a service, made to count from another folder than that of its file.

import { relative, resolve } from 'node:path'
import { isValues } from './merge.ts'

type Values = Record<string, unknown>

/** @param from the folder of its file; @param to the folder from which they are to count */
export function rebase(service: Values, from: string, to: string): Values {
  const move = (path: unknown) => {
    if (typeof path !== 'string' || /^([/~$]|[A-Za-z]:|\w+:\/\/|git@|github\.com)/.test(path)) return path
    const moved = relative(to, resolve(from, path))
    return moved.startsWith('..') ? moved : `./${moved}`
  }
  const within = (value: unknown, key: string) =>
    isValues(value) && key in value ? { ...value, [key]: move(value[key]) } : move(value)
  const each = (value: unknown, one: (item: unknown) => unknown) => (Array.isArray(value) ? value.map(one) : one(value))
  const moved = { ...service }
  if ('build' in moved)
    moved.build = isValues(moved.build)
      ? { ...moved.build, context: move(moved.build.context ?? '.') }
      : move(moved.build)
  if ('env_file' in moved) moved.env_file = each(moved.env_file, file => within(file, 'path'))
  if ('volumes' in moved)
    moved.volumes = each(moved.volumes, volume => {
      if (isValues(volume)) return volume.type === 'bind' ? within(volume, 'source') : volume
      // a name stands for a volume, and only a path begins with a dot
      const [, path = '', rest = ''] = /^(\.[^:]*)(.*)$/s.exec(String(volume)) ?? []
      return path === '' ? volume : `${move(path)}${rest}`
    })
  return moved
}
