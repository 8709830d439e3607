# One image for every role: api (the default), worker, all, migrate; and for the simulator, by another entry point.

FROM node:24.21.0-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package of ours needs its install script for building, and so none gets to run one.
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY nest-cli.json tsconfig.json tsconfig.build.json .swcrc prisma.config.ts ./
COPY scripts/schema-engine.mjs scripts/
COPY prisma prisma
COPY src src
RUN npm run build

FROM node:24.21.0-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without optional ones too: Prisma's client names its command line as an optional peer, which would bring 250 MB along.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-fund --no-audit
# It also brings a query compiler for each database that it knows, twice and in two sizes: 55 MB for those that are not ours.
RUN find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*.postgresql.*' -delete

FROM node:24.21.0-slim
# METRICS_PORT: a worker has no other listener to tell its health, and metrics stay off the public one. Publish neither.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 METRICS_PORT=9464
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY prisma/migrations prisma/migrations
USER node
EXPOSE 3000
# A process may wait a minute for its stores before it listens.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.METRICS_PORT || process.env.PORT) + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["api"]
