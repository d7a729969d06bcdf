// Sqitch: a row for each change, whose script has got a number before its name here.

import { sqitch as tool } from '../../gate/histories/sqitch.ts'
import type { FilesTool } from './tool.ts'

const withoutNumber = (name: string): string => name.replace(/^\d+_/, '')

export const sqitch: FilesTool = {
  tool,
  keyOf: ({ name }) => withoutNumber(name),
  rowKey: withoutNumber,
  // App::Sqitch::Engine::pg: wait_lock
  lockKeys: () => ['75474063'],
}
