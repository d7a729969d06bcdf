// Kill points of `follow`: struck at any message, and called again, it ends where an undisturbed one does.

import pg from 'pg'
import { expect, inject } from 'vitest'
import { test } from '../../helpers/database.ts'
import { historyFolder, historySql, livingSchema } from '../../helpers/histories.ts'
import { tryPoint, undisturbed } from '../../helpers/kill-point.ts'
import { inScratch, judge, pointsOf, timeout, tryAll } from '../../helpers/kill-run.ts'

for (const cause of ['SIGKILL', 'cut'] as const)
  test(`a follow struck by ${cause} at any message is finished by the next one`, { timeout }, async ({ admin }) => {
    const started = performance.now()
    const server = inject('postgres').url
    const dir = historyFolder('goose')
    const command = ['follow', '--follow', 'goose']
    await inScratch(admin, server, async (living, template) => {
      const client = new pg.Client({ connectionString: living })
      await client.connect()
      await client.query(`${historySql('goose')}${livingSchema}create table tally (step text)`)
      await client.end()
      const scratch = <T>(use: (url: string) => Promise<T>) => inScratch(admin, server, use, template)
      const reference = await scratch(url => undisturbed({ url, dir, command }))
      expect(reference.end.catalog).toContain('schemagate_followed')
      expect(reference.end.followed).toHaveLength(1)
      const points = pointsOf(cause, reference.messages.length, 4)
      const outcomes = await tryAll(points, 3, point =>
        scratch(url => tryPoint({ url, dir, command }, point, reference.end)),
      )
      judge(`follow, ${cause}`, outcomes, started)
    })
  })
