import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { RebuildDesk } from './rebuild-desk.js';

const REBUILD_RUNNING = new Problem(
  problemType('rebuild-running', 409, {
    title: 'The lanes of the sale are being rebuilt',
    when: 'A rebuild of a lane of this sale runs, or waits to begin.',
    next: 'Wait until the audit shows the lanes open.',
  }),
  'A rebuild runs or waits to begin. Ask again when the audit shows the lanes open.',
);

@Access('admin')
@Controller('v1/admin/sales')
export class RebuildController {
  constructor(private readonly desk: RebuildDesk) {}

  /** Has the lanes that carry the sale made anew from Postgres; every sale on them answers 503 meanwhile. */
  @Post(':saleId/rebuild')
  @HttpCode(202)
  async rebuild(
    @Param('saleId') saleId: string,
    @CurrentCaller() { subject }: Caller,
  ): Promise<{ saleId: string; lanes: number[] }> {
    const asked = await this.desk.ask(requireUuid(saleId), subject);
    if (asked === 'unknown-sale') throw SALE_NOT_FOUND;
    if (asked === 'running') throw REBUILD_RUNNING;
    return { saleId, lanes: asked };
  }
}
