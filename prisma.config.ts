import { defineConfig } from 'prisma/config';

/** Only the Prisma command line reads this; the application passes its own pool to the client. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://localhost/stampede' },
});
