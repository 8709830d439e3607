import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Access, Operation } from '../platform/http/access.js';
import { ETAG, LOCATION, type OperationDescription } from '../platform/http/operation.js';
import { Problem } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN } from '../platform/http/problems.js';
import { instant } from '../platform/http/shapes.js';
import { isStoreAway } from '../platform/store-errors.js';
import { requireUuid, SALE_NOT_FOUND, salePath } from '../orders/paths.js';
import { brokenRules, INVALID_SALE, type NewSale, newSaleShape } from './new-sale.js';
import { saleBooksShape, SaleCounting } from './sale-counting.js';
import { SaleOffice, type SaleOrder } from './sale-office.js';
import { SaleReader } from './sale-reader.js';
import { saleShape, type SaleView } from './sale-view.js';

const saleWithBooks = saleShape.extend({ counters: saleBooksShape });
type SaleWithBooks = z.infer<typeof saleWithBooks>;
const salesWithBooks = z.object({ sales: z.array(saleWithBooks), serverTime: instant });

const TAG = 'Admin: sales';

/** What an operator says to a sale; saying it again changes nothing. */
const steering = (id: string, summary: string): OperationDescription => ({
  id,
  tag: TAG,
  summary,
  answers: { 200: { description: 'The sale as it is now', body: saleShape } },
  problems: [SALE_NOT_FOUND.type, OUTCOME_UNKNOWN],
});

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

@Access('admin')
@Controller('v1/admin/sales')
export class AdminSalesController {
  constructor(
    private readonly office: SaleOffice,
    private readonly reader: SaleReader,
    private readonly counting: SaleCounting,
  ) {}

  @Post()
  @HttpCode(201)
  @Operation({
    id: 'createSale',
    tag: TAG,
    summary: 'Create a sale, whose stock is on sale from its start on',
    body: newSaleShape,
    answers: { 201: { description: 'The new sale', body: saleShape, headers: { Location: LOCATION } } },
    problems: [INVALID_SALE, OUTCOME_UNKNOWN],
  })
  async create(
    @Body({ schema: newSaleShape }) sale: NewSale,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    const errors = brokenRules(sale);
    if (errors.length > 0) throw new Problem(INVALID_SALE, 'Nothing was created.', { errors });
    try {
      const saleId = await this.office.create(sale);
      reply.header('location', salePath(saleId));
      return await this.readNow(saleId);
    } catch (error) {
      throw isStoreAway(error) ? MAYBE_CREATED : error;
    }
  }

  @Get()
  @Operation({
    id: 'listSalesWithBooks',
    tag: TAG,
    summary: 'All sales with their counters, newest first',
    answers: { 200: { description: 'The sales', body: salesWithBooks } },
  })
  async list(): Promise<z.infer<typeof salesWithBooks>> {
    const sales = await this.reader.list();
    const counters = await this.counting.count(sales.map(({ saleId }) => saleId));
    return {
      sales: sales.map((sale) => ({ ...sale, counters: this.counting.booksOf(sale, counters) })),
      serverTime: new Date().toISOString(),
    };
  }

  @Get(':saleId')
  @Operation({
    id: 'getSaleWithBooks',
    tag: TAG,
    summary: 'One sale with its counters',
    answers: { 200: { description: 'The sale', body: saleWithBooks, headers: { ETag: ETAG } } },
    problems: [SALE_NOT_FOUND.type],
  })
  async read(@Param('saleId') saleId: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<SaleWithBooks> {
    const sale = await this.readNow(requireUuid(saleId));
    const counters = await this.counting.count([saleId]);
    reply.header('etag', `"${counters.get(saleId)?.configVersion ?? 0}"`);
    return { ...sale, counters: this.counting.booksOf(sale, counters) };
  }

  @Post(':saleId/pause')
  @HttpCode(200)
  @Operation(steering('pauseSale', 'Take no more orders until it is resumed'))
  pause(@Param('saleId') saleId: string): Promise<SaleView> {
    return this.steer(saleId, 'pause');
  }

  @Post(':saleId/resume')
  @HttpCode(200)
  @Operation(steering('resumeSale', 'Take orders again'))
  resume(@Param('saleId') saleId: string): Promise<SaleView> {
    return this.steer(saleId, 'resume');
  }

  @Post(':saleId/end')
  @HttpCode(200)
  @Operation(steering('endSale', 'End it for good'))
  end(@Param('saleId') saleId: string): Promise<SaleView> {
    return this.steer(saleId, 'end');
  }

  private async steer(saleId: string, order: SaleOrder): Promise<SaleView> {
    const outcome = await this.office.steer(requireUuid(saleId), order);
    if (outcome === 'unknown-sale') throw SALE_NOT_FOUND;
    if (outcome === 'recorded') throw NOT_IN_FORCE;
    return this.readNow(saleId);
  }

  private async readNow(saleId: string): Promise<SaleView> {
    const sale = await this.reader.readNow(saleId);
    if (!sale) throw SALE_NOT_FOUND;
    return sale;
  }
}
