// refinery: a row for each number. Its checksum is a hash of Rust's, and not compared.

import { refinery as tool } from '../../gate/histories/refinery.ts'
import { byNumber, type FilesTool } from './tool.ts'

export const refinery: FilesTool = {
  tool,
  keyOf: migration => (migration.layout === 'flyway' ? byNumber(migration) : undefined),
}
