import { Module } from '@nestjs/common';
import { SETTINGS } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { SignedCursor } from '../platform/http/signed-cursor.js';
import { DeadLettersController } from './dead-letters.controller.js';

/** What could not be stored, for the operator. */
@Module({
  controllers: [DeadLettersController],
  providers: [
    {
      provide: SignedCursor,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SignedCursor(settings.JWT_SECRET),
    },
  ],
})
export class DeadLettersModule {}
