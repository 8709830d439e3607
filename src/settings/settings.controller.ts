import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller, Operation } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { INVALID_FIELD, OUTCOME_UNKNOWN } from '../platform/http/problems.js';
import { isStoreAway } from '../platform/store-errors.js';
import { SettingsDesk, type SettingView, settingViewShape } from './settings-desk.js';

const SETTING_NOT_FOUND = new Problem(
  problemType('setting-not-found', 404, {
    title: 'There is no such setting',
    when: 'No setting of this name can be changed at run time.',
    next: 'Choose one of `GET /v1/admin/settings`, or set the variable and start the process again.',
  }),
  'No setting of this name can be changed at run time. `GET /v1/admin/settings` lists those that can.',
);
const MAYBE_CHANGED = new Problem(
  OUTCOME_UNKNOWN,
  'The setting may have been changed. Read it, or send this again: the same value twice changes it once.',
  { retryAfterSeconds: 1 },
);

const TAG = 'Admin: settings';

const settingShape = z
  .strictObject({
    value: z.union([z.number(), z.string().max(64), z.null()], { error: 'must be a number, a string or null' }),
  })
  .meta({ id: 'SettingChange', examples: [{ value: 50 }, { value: null }] });

/** What an operator changes while everything runs. */
@Access('admin')
@Controller('v1/admin/settings')
export class SettingsController {
  constructor(private readonly desk: SettingsDesk) {}

  @Get()
  @Operation({
    id: 'listSettings',
    tag: TAG,
    summary: 'What may be changed while everything runs, as it is in force in the process that answers',
    answers: { 200: { description: 'The settings', body: z.object({ settings: z.array(settingViewShape) }) } },
    asksStores: false,
  })
  list(): { settings: SettingView[] } {
    return { settings: this.desk.list() };
  }

  @Put(':name')
  @Operation({
    id: 'changeSetting',
    tag: TAG,
    summary: 'Change a setting: in force in every process within a second',
    description: 'Null goes back to what the environment of each process says.',
    params: { name: z.string().meta({ examples: ['buyer-rate-per-second'] }) },
    body: settingShape,
    answers: { 200: { description: 'The setting as it is now', body: settingViewShape } },
    problems: [SETTING_NOT_FOUND.type, OUTCOME_UNKNOWN],
  })
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
