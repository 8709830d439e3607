import { type DynamicModule, Global, Module } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from 'pino';
import { LOGGER, SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { BackgroundLoops } from '../platform/loop/background-loops.js';
import { PollingLoop } from '../platform/loop/polling-loop.js';
import { RuntimeSettings } from './runtime-settings.js';
import { SettingsController } from './settings.controller.js';
import { SettingsDesk } from './settings-desk.js';

/** With a look at a few rows, well within the promised second. */
const LOOK_EVERY_MS = 500;

@Global()
@Module({
  providers: [
    { provide: RuntimeSettings, inject: [SETTINGS, pg.Pool, LOGGER], useFactory: createRuntimeSettings },
    {
      provide: 'settings loops',
      inject: [RuntimeSettings, LOGGER],
      useFactory: (settings: RuntimeSettings, logger: Logger) =>
        new BackgroundLoops([
          new PollingLoop({
            name: 'look at the settings (the last known stay in force)',
            runOnce: () => settings.runOnce(),
            idle: LOOK_EVERY_MS,
            logger,
          }),
        ]),
    },
  ],
  exports: [RuntimeSettings],
})
export class SettingsModule {
  /** An operator changes them. */
  static forApi(): DynamicModule {
    return {
      module: SettingsApiModule,
      controllers: [SettingsController],
      providers: [
        {
          provide: SettingsDesk,
          inject: [RuntimeSettings, pg.Pool],
          useFactory: (settings: RuntimeSettings, pool: pg.Pool) => new SettingsDesk(settings, pool),
        },
      ],
    };
  }
}

@Module({})
class SettingsApiModule {}

/** Read once before anybody can ask. */
async function createRuntimeSettings(defaults: Settings, pool: pg.Pool, logger: Logger): Promise<RuntimeSettings> {
  const settings = new RuntimeSettings(defaults, pool, logger, ({ LOG_LEVEL }) => {
    logger.level = LOG_LEVEL;
  });
  await settings.runOnce();
  return settings;
}
