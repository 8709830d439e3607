import { Controller, Get, Header, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Access, Operation } from '../platform/http/access.js';
import { ETAG } from '../platform/http/operation.js';
import { hasAlready } from '../platform/http/preconditions.js';
import { instant } from '../platform/http/shapes.js';
import { requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { SaleReader } from './sale-reader.js';
import { saleShape, type SaleView } from './sale-view.js';

const sales = z.object({ sales: z.array(saleShape), serverTime: instant });
const saleNow = saleShape.extend({ serverTime: instant });

const CACHE_CONTROL = 'public, max-age=1';

/** What is on sale, for everybody. */
@Access('public')
@Controller('v1/sales')
export class SalesController {
  constructor(private readonly reader: SaleReader) {}

  @Get()
  @Operation({
    id: 'listSales',
    tag: 'Sales',
    summary: 'What is on sale, newest first, at most 500',
    answers: { 200: { description: 'The sales', body: sales } },
  })
  async list(): Promise<z.infer<typeof sales>> {
    return { sales: await this.reader.list(), serverTime: new Date().toISOString() };
  }

  @Get(':saleId')
  @Header('Cache-Control', CACHE_CONTROL)
  @Operation({
    id: 'getSale',
    tag: 'Sales',
    summary: 'One sale, and what is left of it',
    headers: {
      'If-None-Match': {
        description: 'The `ETag` of an earlier answer',
        shape: z.string(),
        required: false,
        problems: [],
      },
    },
    answers: {
      200: {
        description: 'The sale',
        body: saleNow,
        headers: { ETag: ETAG, 'Cache-Control': { description: 'It may be 1 s old', required: true } },
      },
      304: { description: 'The sale is as it was', headers: { ETag: ETAG } },
    },
    problems: [SALE_NOT_FOUND.type],
  })
  async read(
    @Param('saleId') saleId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof saleNow> | undefined> {
    const sale = await this.reader.read(requireUuid(saleId));
    if (!sale) throw SALE_NOT_FOUND;
    const etag = weakEtag(sale);
    reply.header('etag', etag);
    if (hasAlready(request.headers['if-none-match'], etag)) {
      reply.code(304);
      return undefined;
    }
    return { ...sale, serverTime: new Date().toISOString() };
  }
}

/** Weak: two answers with the same tag differ in `serverTime`. */
const weakEtag = (sale: SaleView) =>
  `W/"${createHash('sha1').update(JSON.stringify(sale)).digest('base64url').slice(0, 16)}"`;
