import { createLogger } from './platform/observability/logger.js';
import { readSimulatorSettings } from './simulator/simulator-settings.js';
import { type Simulator, startSimulator } from './simulator/start-simulator.js';
import type { Logger } from 'pino';

/** The payment gateway of development: see startSimulator. Refused in production. */

const EXIT_CONFIGURATION = 78; // EX_CONFIG of sysexits.h
/** The webhooks on their way get 2 s of it. */
const STOP_WITHIN_MS = 5_000;

async function main(): Promise<void> {
  const reading = readSimulatorSettings(process.env);
  if ('mistakes' in reading) {
    for (const line of reading.mistakes) console.error(line);
    process.exit(EXIT_CONFIGURATION);
  }
  const { settings } = reading;
  const logger = createLogger(settings.LOG_LEVEL, 'simulator');
  const simulator = await startSimulator({
    host: settings.SIMULATOR_HOST,
    port: settings.SIMULATOR_PORT,
    publicUrl: settings.SIMULATOR_PUBLIC_URL,
    webhookUrl: settings.SIMULATOR_WEBHOOK_URL,
    webhookSecret: settings.PAYMENT_WEBHOOK_SECRETS[0] as string,
    directory: settings.SIMULATOR_DIRECTORY,
    behaviour: settings.SIMULATOR_BEHAVIOUR,
    logger,
  });
  logger.info({ url: simulator.url }, 'started');
  stopOnSignal(simulator, logger);
}

/** SIGTERM, SIGINT, and the end of the launcher that started this process. */
function stopOnSignal(simulator: Simulator, logger: Logger): void {
  let stopping = false;
  const stop = (because: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ because }, 'stopping');
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    simulator.close().then(
      () => process.exit(0),
      (err: unknown) => {
        logger.error({ err }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  process.off('disconnect', leave).once('disconnect', () => stop('disconnect'));
}

/** Nothing was begun yet. */
function leave(): void {
  process.exit(1);
}
process.once('disconnect', leave);

main().catch((err: unknown) => {
  createLogger('info', 'simulator').fatal({ err }, 'could not start');
  process.exit(1);
});
