import { Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { Access, CurrentCaller, Operation } from '../platform/http/access.js';
import type { Caller } from '../platform/http/access-token.js';
import type { OperationDescription } from '../platform/http/operation.js';
import { Problem } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN, STORE_UNAVAILABLE } from '../platform/http/problems.js';
import { INVALID_SALE } from './new-sale.js';
import { SaleOffice, type SaleOrder } from './sale-office.js';
import { SaleReader } from './sale-reader.js';
import type { SaleView } from './sale-view.js';
import { SealSales } from './seal-sale.js';
import { AS_IT_IS_NOW, breaksRules, showObeyed, TAG } from './shown-sale.js';

/** What an operator says to a sale; saying it again changes nothing. */
const steering = (id: string, summary: string): OperationDescription => ({
  id,
  tag: TAG,
  summary,
  answers: AS_IT_IS_NOW,
  problems: [SALE_NOT_FOUND.type, OUTCOME_UNKNOWN],
});

const NOT_SEALED_NOW = new Problem(STORE_UNAVAILABLE, 'A lane of this sale is closed. It was not sealed.', {
  retryAfterSeconds: 1,
});

@Access('admin')
@Controller('v1/admin/sales')
export class SteerSalesController {
  constructor(
    private readonly office: SaleOffice,
    private readonly sealing: SealSales,
    private readonly reader: SaleReader,
  ) {}

  @Post(':saleId/pause')
  @HttpCode(200)
  @Operation(steering('pauseSale', 'Take no more orders until it is resumed'))
  pause(
    @Param('saleId') saleId: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    return this.steer(saleId, { order: 'pause', caller, reply });
  }

  @Post(':saleId/resume')
  @HttpCode(200)
  @Operation(steering('resumeSale', 'Take orders again'))
  resume(
    @Param('saleId') saleId: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    return this.steer(saleId, { order: 'resume', caller, reply });
  }

  @Post(':saleId/end')
  @HttpCode(200)
  @Operation(steering('endSale', 'End it for good'))
  end(
    @Param('saleId') saleId: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    return this.steer(saleId, { order: 'end', caller, reply });
  }

  @Post(':saleId/seal')
  @HttpCode(200)
  @Operation({
    ...steering('sealSale', 'Close the books of a sale that is over'),
    description:
      'Possible once nothing of it is open. Known keys are answered as before; nothing else of it changes any more.',
    problems: [SALE_NOT_FOUND.type, INVALID_SALE, OUTCOME_UNKNOWN],
  })
  async seal(
    @Param('saleId') saleId: string,
    @CurrentCaller() { subject }: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    const sealed = await this.sealing.seal(requireUuid(saleId), subject);
    if (sealed === 'not-now') throw NOT_SEALED_NOW;
    if (typeof sealed === 'object') {
      const errors = sealed.stillOpen.map((detail) => ({ pointer: '', detail }));
      throw breaksRules('Something of the sale is open still, so it was not sealed.', errors);
    }
    return showObeyed(this.reader, { saleId, obeyed: sealed === 'sealed' ? 'in-force' : sealed, reply });
  }

  private async steer(
    saleId: string,
    { order, caller, reply }: { order: SaleOrder; caller: Caller; reply: FastifyReply },
  ): Promise<SaleView> {
    const obeyed = await this.office.steer(requireUuid(saleId), order, caller.subject);
    return showObeyed(this.reader, { saleId, obeyed, reply });
  }
}
