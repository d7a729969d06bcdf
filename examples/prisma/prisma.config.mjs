// Prisma's settings for the example: its schema, and a connection made by the driver adapter.

import { PrismaPg } from '@prisma/adapter-pg'
import { defineConfig } from 'prisma/config'

// The engine that comes with the npm package, as WebAssembly: the Dockerfile says why.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
})
