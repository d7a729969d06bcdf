// Supabase's command line: `20240101000000_name.sql`, by name as text.

import { compareAsText } from '../order.ts'
import type { Tool } from './tool.ts'

export const supabase: Tool = {
  name: 'supabase',
  title: 'Supabase',
  reads: '`20240101000000_users.sql` beside `../config.toml`. By name as text',
  not: 'a file of another form is left out with a warning. Without `../config.toml`, where dates of several lengths (`20240101000000_`, `20250315_`) have another order by number, pending files are refused until `--layout supabase` or `--layout native` says which',
  // the settings of its project, which must name that
  recognise: listing => /^\s*project_id\s*=/m.test(listing.text('../config.toml') ?? ''),
  leavesStrays: true,
  takes: ({ layout, name }) => (layout === 'native' && /^\d+_/.test(name)) || layout === 'code',
  order: () => compareAsText,
}
