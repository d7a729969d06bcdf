// Links to folders: what they lead to outside is read, as the tools do that find it there; what is inside is read once.

import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesIn, isOwnFolder } from '../../../migrator/follow/files/tree.ts'
import { folder } from '../../helpers/migrations.ts'

test('a link to a folder elsewhere is entered, and one to a folder inside is not', async () => {
  const elsewhere = await folder({ 'billing/migrations/0001_initial.py': '', 'billing/models.py': '' })
  const dir = await folder({ 'shop/migrations/0001_initial.py': '', 'z/one.py': '' })
  await symlink(join(elsewhere, 'billing'), join(dir, 'billing'))
  await symlink(join(dir, 'shop'), join(dir, 'a-second-name'))
  await symlink('..', join(dir, 'z/up'))
  await symlink('/', join(dir, 'root'))
  // each leads to the other
  await symlink(dir, join(elsewhere, 'billing/back'))
  await symlink(join(elsewhere, 'billing'), join(elsewhere, 'billing/self'))
  await symlink(join(elsewhere, 'nowhere'), join(dir, 'nowhere'))
  expect(filesIn(dir, { enters: isOwnFolder })).toEqual([
    'nowhere',
    'shop/migrations/0001_initial.py',
    'z/one.py',
    'billing/models.py',
    'billing/migrations/0001_initial.py',
  ])
})

test('the folder itself can be a link', async () => {
  const dir = await folder({ 'a/1.py': '' })
  const link = `${dir}-link`
  await symlink(dir, link)
  expect(filesIn(link, { enters: isOwnFolder })).toEqual(['a/1.py'])
})
