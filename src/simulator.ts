import { createLogger } from './platform/observability/logger.js';
import { leaveOnSignal, stopOnSignal } from './platform/stop-on-signal.js';
import { readSimulatorSettings } from './simulator/simulator-settings.js';
import { startSimulator } from './simulator/start-simulator.js';

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
  stopOnSignal(() => simulator.close(), logger, { withinMs: STOP_WITHIN_MS });
}

leaveOnSignal();

main().catch((err: unknown) => {
  createLogger('info', 'simulator').fatal({ err }, 'could not start');
  process.exit(1);
});
