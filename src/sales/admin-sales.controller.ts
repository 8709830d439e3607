import { Body, Controller, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access, callerOf, CurrentCaller } from '../platform/http/access.js';
import type { Caller } from '../platform/http/access-token.js';
import { CHANGED_MEANWHILE, readIfMatch } from '../platform/http/preconditions.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN, STORE_UNAVAILABLE } from '../platform/http/problems.js';
import { isStoreAway } from '../platform/store-errors.js';
import { requireUuid, SALE_NOT_FOUND, salePath } from '../orders/paths.js';
import {
  type BrokenRule,
  brokenRules,
  INVALID_SALE,
  type NewSale,
  newSaleShape,
  SALE_SEALED,
  type SaleChange,
  saleChangeShape,
} from './new-sale.js';
import { type SaleBooks, SaleCounting } from './sale-counting.js';
import { type Obeyed, SaleOffice, type SaleOrder } from './sale-office.js';
import { SaleReader } from './sale-reader.js';
import type { SaleView } from './sale-view.js';
import { SealSales } from './seal-sale.js';

const NOT_IN_FORCE = new Problem(
  OUTCOME_UNKNOWN,
  'This is recorded, and will be in force as soon as the lanes of the sale can be reached. Ask again to be sure.',
  { retryAfterSeconds: 1 },
);

const MAYBE_CREATED = new Problem(
  OUTCOME_UNKNOWN,
  'The sale may have been created. Look at the list of sales before you create it again.',
  { retryAfterSeconds: 1 },
);

const LOADED = new Problem(
  problemType('sale-loaded', 409, 'The sale is on sale already'),
  'Price and currency of a sale stay as they are once it is on sale. Nothing was changed.',
);

const NOT_SEALED_NOW = new Problem(STORE_UNAVAILABLE, 'A lane of this sale is closed. It was not sealed.', {
  retryAfterSeconds: 1,
});

const breaksRules = (detail: string, errors: BrokenRule[]) => new Problem(INVALID_SALE, detail, { errors });

@Access('admin')
@Controller('v1/admin/sales')
export class AdminSalesController {
  constructor(
    private readonly office: SaleOffice,
    private readonly sealing: SealSales,
    private readonly reader: SaleReader,
    private readonly counting: SaleCounting,
  ) {}

  @Post()
  @HttpCode(201)
  async create(
    @Body({ schema: newSaleShape }) sale: NewSale,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    const errors = brokenRules(sale);
    if (errors.length > 0) throw breaksRules('Nothing was created.', errors);
    try {
      const saleId = await this.office.create(sale);
      reply.header('location', salePath(saleId));
      return await this.readNow(saleId, reply);
    } catch (error) {
      throw isStoreAway(error) ? MAYBE_CREATED : error;
    }
  }

  @Get()
  async list(): Promise<{ sales: (SaleView & { counters: SaleBooks })[]; serverTime: string }> {
    const sales = await this.reader.list();
    const counters = await this.counting.count(sales.map(({ saleId }) => saleId));
    return {
      sales: sales.map((sale) => ({ ...sale, counters: this.counting.booksOf(sale, counters) })),
      serverTime: new Date().toISOString(),
    };
  }

  @Get(':saleId')
  async read(
    @Param('saleId') saleId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView & { counters: SaleBooks }> {
    const sale = await this.readNow(requireUuid(saleId), reply);
    return { ...sale, counters: this.counting.booksOf(sale, await this.counting.count([saleId])) };
  }

  @Patch(':saleId')
  async change(
    @Body({ schema: saleChangeShape }) change: SaleChange,
    @Req() request: FastifyRequest<{ Params: { saleId: string } }>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    const isMatch = readIfMatch(request.headers['if-match']);
    const mayChange = (configVersion: number) => isMatch(etagOf(configVersion));
    const saleId = requireUuid(request.params.saleId);
    const changed = await this.office.change({ saleId, change, mayChange, operator: callerOf(request).subject });
    if (changed === 'stale') throw CHANGED_MEANWHILE;
    if (changed === 'sealed') throw SALE_SEALED;
    if (changed === 'loaded') throw LOADED;
    if (typeof changed === 'object') throw breaksRules('Nothing was changed.', changed.breaks);
    return this.inForce(saleId, changed, reply);
  }

  @Post(':saleId/pause')
  @HttpCode(200)
  pause(
    @Param('saleId') saleId: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    return this.steer(saleId, { order: 'pause', caller, reply });
  }

  @Post(':saleId/resume')
  @HttpCode(200)
  resume(
    @Param('saleId') saleId: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    return this.steer(saleId, { order: 'resume', caller, reply });
  }

  @Post(':saleId/end')
  @HttpCode(200)
  end(
    @Param('saleId') saleId: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    return this.steer(saleId, { order: 'end', caller, reply });
  }

  @Post(':saleId/seal')
  @HttpCode(200)
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
    return this.inForce(saleId, sealed === 'sealed' ? 'in-force' : sealed, reply);
  }

  private async steer(
    saleId: string,
    { order, caller, reply }: { order: SaleOrder; caller: Caller; reply: FastifyReply },
  ): Promise<SaleView> {
    return this.inForce(saleId, await this.office.steer(requireUuid(saleId), order, caller.subject), reply);
  }

  private async inForce(saleId: string, obeyed: Obeyed | 'unknown-sale', reply: FastifyReply): Promise<SaleView> {
    if (obeyed === 'unknown-sale') throw SALE_NOT_FOUND;
    if (obeyed === 'recorded') throw NOT_IN_FORCE;
    return this.readNow(saleId, reply);
  }

  /** With the ETag of its configuration. */
  private async readNow(saleId: string, reply: FastifyReply): Promise<SaleView> {
    const configured = await this.reader.readConfigured(saleId);
    if (!configured) throw SALE_NOT_FOUND;
    reply.header('etag', etagOf(configured.configVersion));
    return configured.sale;
  }
}

const etagOf = (configVersion: number): string => `"${configVersion}"`;
