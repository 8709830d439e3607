import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { INVALID_FIELD, OUTCOME_UNKNOWN } from '../platform/http/problems.js';
import { isStoreAway } from '../platform/store-errors.js';
import { SettingsDesk, type SettingView } from './settings-desk.js';

const SETTING_NOT_FOUND = new Problem(
  problemType('setting-not-found', 404, 'There is no such setting'),
  'No setting of this name can be changed at run time. `GET /v1/admin/settings` lists those that can.',
);
const MAYBE_CHANGED = new Problem(
  OUTCOME_UNKNOWN,
  'The setting may have been changed. Read it, or send this again: the same value twice changes it once.',
  { retryAfterSeconds: 1 },
);

const settingShape = z.strictObject({
  value: z.union([z.number(), z.string().max(64), z.null()], { error: 'must be a number, a string or null' }),
});

/** What an operator changes while everything runs. */
@Access('admin')
@Controller('v1/admin/settings')
export class SettingsController {
  constructor(private readonly desk: SettingsDesk) {}

  /** As they are in force in this process. */
  @Get()
  list(): { settings: SettingView[] } {
    return { settings: this.desk.list() };
  }

  /** In force in every process within a second. Null goes back to what the environment says. */
  @Put(':name')
  async change(
    @Param('name') name: string,
    @Body({ schema: settingShape }) { value }: z.infer<typeof settingShape>,
    @CurrentCaller() { subject: operator }: Caller,
  ): Promise<SettingView> {
    const changed = await this.desk.change({ name, value, operator }).catch(sayUnknown);
    if (changed === 'unknown-setting') throw SETTING_NOT_FOUND;
    if ('refused' in changed) {
      const errors = [{ pointer: '/value', detail: changed.refused }];
      throw new Problem(INVALID_FIELD, 'Nothing was changed.', { errors });
    }
    return changed;
  }
}

function sayUnknown(error: unknown): never {
  throw isStoreAway(error) ? MAYBE_CHANGED : error;
}
