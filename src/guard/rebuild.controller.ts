import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../platform/http/access-token.js';
import { Access, CurrentCaller, Operation } from '../platform/http/access.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { count, identifier } from '../platform/http/shapes.js';
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

const rebuildShape = z
  .object({ saleId: identifier, lanes: z.array(count) })
  .meta({ examples: [{ saleId: '0199f3a2-5b1c-7d4e-8f60-718293a4b5c6', lanes: [0] }] });

@Access('admin')
@Controller('v1/admin/sales')
export class RebuildController {
  constructor(private readonly desk: RebuildDesk) {}

  /** Has the lanes that carry the sale made anew from Postgres; every sale on them answers 503 meanwhile. */
  @Post(':saleId/rebuild')
  @HttpCode(202)
  @Operation({
    id: 'rebuildSale',
    tag: 'Admin: sales',
    summary: 'Make the lanes that carry the sale anew, from PostgreSQL',
    description: 'Every sale on these lanes answers 503 meanwhile.',
    answers: { 202: { description: 'The lanes that will be rebuilt', body: rebuildShape } },
    problems: [SALE_NOT_FOUND.type, REBUILD_RUNNING.type],
  })
  async rebuild(
    @Param('saleId') saleId: string,
    @CurrentCaller() { subject }: Caller,
  ): Promise<z.infer<typeof rebuildShape>> {
    const asked = await this.desk.ask(requireUuid(saleId), subject);
    if (asked === 'unknown-sale') throw SALE_NOT_FOUND;
    if (asked === 'running') throw REBUILD_RUNNING;
    return { saleId, lanes: asked };
  }
}
