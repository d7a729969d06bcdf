// Supabase's command line: `20240101000000_name.sql`, by name as text.

import { compareAsText } from '../order.ts'
import type { Tool } from './tool.ts'

export const supabase: Tool = {
  name: 'supabase',
  title: 'Supabase',
  reads: '`20240101000000_users.sql`; with `--layout supabase` by name as text',
  not: 'with `--layout supabase` a file of another form is left out with a warning',
  takes: ({ layout, name }) => (layout === 'native' && /^\d+_/.test(name)) || layout === 'code',
  order: () => compareAsText,
}
