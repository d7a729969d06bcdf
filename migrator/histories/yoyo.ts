// yoyo: a row for each file, known by its name.

import { yoyo as tool } from '../../gate/histories/yoyo.ts'
import { byName, type FilesTool } from './tool.ts'

export const yoyo: FilesTool = { tool, keyOf: byName }
