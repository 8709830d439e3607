import 'reflect-metadata';
import { type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { AppModule, type Assembly } from './app.module.js';
import { readCommandLine } from './command-line.js';
import { ConfigurationError, loadSettings } from './config/load-settings.js';
import type { ChangeableSettings, Settings } from './config/settings.js';
import { armFailpoints } from './platform/failpoint.js';
import { type TokenRules, TokenVerifier } from './platform/http/access-token.js';
import { BuyerRates } from './platform/http/buyer-rates.js';
import { createHttpAdapter } from './platform/http/http-adapter.js';
import { ProblemFilter } from './platform/http/problem-filter.js';
import { RequestSchemaPipe } from './platform/http/request-schema-pipe.js';
import { createLogger, NestLog } from './platform/observability/logger.js';
import { migrate } from './platform/postgres/migrate.js';
import { leaveOnSignal, stopOnSignal } from './platform/stop-on-signal.js';
import { requireStores } from './require-stores.js';
import { RuntimeSettings } from './settings/runtime-settings.js';

const EXIT_CONFIGURATION = 78; // EX_CONFIG of sysexits.h

/** A stop that takes longer is given up: the promise is 10 s. */
const STOP_WITHIN_MS = 9_500;

async function main(words: string[]): Promise<void> {
  const asked = readCommandLine(words);
  const settings = loadSettings(process.env);
  armFailpoints(settings.FAILPOINTS);
  const logger = createLogger(settings.LOG_LEVEL, asked === 'migrate' ? asked : asked.role);
  if (asked === 'migrate') {
    logger.info({ applied: await migrate(settings.DATABASE_URL) }, 'migrations applied');
    return;
  }
  await requireStores(settings, logger);
  const app = await (asked.role === 'worker' ? startWorker : startHttp)(settings, logger, asked);
  logger.info({ ...(asked.role === 'worker' && { stations: asked.stations }) }, 'started');
  // What was received is answered, then it ends.
  stopOnSignal(() => app.close(), logger, { withinMs: STOP_WITHIN_MS });
}

async function startWorker(settings: Settings, logger: Logger, assembly: Assembly): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(AppModule.of(settings, logger, assembly), {
    logger: new NestLog(logger),
    abortOnError: false,
  });
}

async function startHttp(settings: Settings, logger: Logger, assembly: Assembly): Promise<INestApplicationContext> {
  let inForce = (): ChangeableSettings => settings;
  const adapter = createHttpAdapter({
    tokens: new TokenVerifier(tokenRules(settings)),
    rates: new BuyerRates(() => {
      const { BUYER_RATE_PER_SECOND: perSecond, BUYER_RATE_BURST: burst } = inForce();
      return { perSecond, burst };
    }),
    limits: {
      requestsMax: settings.REQUESTS_MAX,
      bytesMax: settings.REQUEST_BYTES_MAX,
      connectionsMax: settings.CONNECTIONS_MAX,
    },
    reportBug: (err, requestId) => logger.error({ err, requestId }, 'a request met a bug'),
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(settings, logger, assembly), adapter, {
    logger: new NestLog(logger),
    abortOnError: false,
  });
  const runtime = app.get(RuntimeSettings);
  inForce = () => runtime.current;
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new RequestSchemaPipe());
  await app.listen(settings.PORT, settings.HOST);
  logger.info({ url: await app.getUrl() }, 'listening');
  return app;
}

function tokenRules({ JWT_SECRET, JWT_PUBLIC_KEY, JWT_ISSUER, JWT_AUDIENCE }: Settings): TokenRules {
  const claims = { issuer: JWT_ISSUER, audience: JWT_AUDIENCE };
  return JWT_PUBLIC_KEY ? { publicKeys: JWT_PUBLIC_KEY, ...claims } : { secrets: JWT_SECRET ?? [], ...claims };
}

leaveOnSignal();

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof ConfigurationError) {
    for (const line of error.lines) console.error(line);
    process.exit(EXIT_CONFIGURATION);
  }
  createLogger('info', 'main').fatal({ err: error }, 'could not start');
  process.exit(1);
});
