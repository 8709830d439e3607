import { Controller, Get, Header, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { Access } from '../platform/http/access.js';
import { requireUuid, SALE_NOT_FOUND } from '../orders/paths.js';
import { SaleReader } from './sale-reader.js';
import type { SaleView } from './sale-view.js';

/** What is on sale, for everybody. */
@Access('public')
@Controller('v1/sales')
export class SalesController {
  constructor(private readonly reader: SaleReader) {}

  @Get()
  async list(): Promise<{ sales: SaleView[]; serverTime: string }> {
    return { sales: await this.reader.list(), serverTime: new Date().toISOString() };
  }

  @Get(':saleId')
  @Header('Cache-Control', 'public, max-age=1')
  async read(
    @Param('saleId') saleId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<(SaleView & { serverTime: string }) | undefined> {
    const sale = await this.reader.read(requireUuid(saleId));
    if (!sale) throw SALE_NOT_FOUND;
    const etag = weakEtag(sale);
    reply.header('etag', etag);
    if (request.headers['if-none-match'] === etag) {
      reply.code(304);
      return undefined;
    }
    return { ...sale, serverTime: new Date().toISOString() };
  }
}

/** Weak: two answers with the same tag differ in `serverTime`. */
const weakEtag = (sale: SaleView) =>
  `W/"${createHash('sha1').update(JSON.stringify(sale)).digest('base64url').slice(0, 16)}"`;
