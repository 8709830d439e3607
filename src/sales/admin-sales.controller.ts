import { Body, Controller, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Access, callerOf, Operation } from '../platform/http/access.js';
import { ETAG, LOCATION } from '../platform/http/operation.js';
import { CHANGED_MEANWHILE, IF_MATCH, readIfMatch } from '../platform/http/preconditions.js';
import { Problem, problemType } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN } from '../platform/http/problems.js';
import { instant } from '../platform/http/shapes.js';
import { isStoreAway } from '../platform/store-errors.js';
import { requireUuid, SALE_NOT_FOUND, salePath } from '../orders/paths.js';
import {
  brokenRules,
  INVALID_SALE,
  type NewSale,
  newSaleShape,
  SALE_SEALED,
  type SaleChange,
  saleChangeShape,
} from './new-sale.js';
import { saleBooksShape, SaleCounting } from './sale-counting.js';
import { SaleOffice } from './sale-office.js';
import { AS_IT_IS_NOW, breaksRules, etagOf, showObeyed, showSale, TAG } from './shown-sale.js';
import { SaleReader } from './sale-reader.js';
import { saleShape, type SaleView } from './sale-view.js';

const saleWithBooks = saleShape.extend({ counters: saleBooksShape });
type SaleWithBooks = z.infer<typeof saleWithBooks>;
const salesWithBooks = z.object({ sales: z.array(saleWithBooks), serverTime: instant });

const MAYBE_CREATED = new Problem(
  OUTCOME_UNKNOWN,
  'The sale may have been created. Look at the list of sales before you create it again.',
  { retryAfterSeconds: 1 },
);

const LOADED = new Problem(
  problemType('sale-loaded', 409, {
    title: 'The sale is on sale already',
    when: 'The price or the currency of a sale is to change that buyers have seen.',
    next: 'End the sale and create another one.',
  }),
  'Price and currency of a sale stay as they are once it is on sale. Nothing was changed.',
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
    answers: { 201: { description: 'The new sale', body: saleShape, headers: { Location: LOCATION, ETag: ETAG } } },
    problems: [INVALID_SALE, OUTCOME_UNKNOWN],
  })
  async create(
    @Body({ schema: newSaleShape }) sale: NewSale,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleView> {
    const errors = brokenRules(sale);
    if (errors.length > 0) throw breaksRules('Nothing was created.', errors);
    try {
      const saleId = await this.office.create(sale);
      reply.header('location', salePath(saleId));
      return await showSale(this.reader, saleId, reply);
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
    const sale = await showSale(this.reader, requireUuid(saleId), reply);
    return { ...sale, counters: this.counting.booksOf(sale, await this.counting.count([saleId])) };
  }

  @Patch(':saleId')
  @Operation({
    id: 'changeSale',
    tag: TAG,
    summary: 'Change terms of a sale',
    description: 'Price and currency stay as they are once it is on sale; its stock is adjusted instead.',
    headers: { 'If-Match': IF_MATCH },
    body: saleChangeShape,
    answers: AS_IT_IS_NOW,
    problems: [SALE_NOT_FOUND.type, INVALID_SALE, LOADED.type, SALE_SEALED.type, OUTCOME_UNKNOWN],
  })
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
    return showObeyed(this.reader, { saleId, obeyed: changed, reply });
  }
}
