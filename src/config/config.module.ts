import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Settings } from './settings.js';

export const SETTINGS = Symbol('settings');
export const LOGGER = Symbol('logger');

/** What one process does. */
export type Role = 'api' | 'worker' | 'all';
export const ROLE = Symbol('role');

/** The settings and the logger, for the factories of other modules. */
@Global()
@Module({})
export class ConfigModule {
  static of(settings: Settings, logger: Logger, role: Role): DynamicModule {
    const values = [
      { provide: SETTINGS, useValue: settings },
      { provide: LOGGER, useValue: logger },
      { provide: ROLE, useValue: role },
    ];
    return { module: ConfigModule, providers: values, exports: values.map(({ provide }) => provide) };
  }
}
