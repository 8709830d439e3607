import type { FastifyReply } from 'fastify';
import { SALE_NOT_FOUND } from '../orders/paths.js';
import { ETAG } from '../platform/http/operation.js';
import { Problem } from '../platform/http/problem.js';
import { OUTCOME_UNKNOWN } from '../platform/http/problems.js';
import { type BrokenRule, INVALID_SALE } from './new-sale.js';
import type { Obeyed } from './sale-office.js';
import type { SaleReader } from './sale-reader.js';
import { saleShape, type SaleView } from './sale-view.js';

/** How an operator's changes of a sale are answered: with the sale as it is now, and the ETag of its configuration. */

export const TAG = 'Admin: sales';

export const AS_IT_IS_NOW = { 200: { description: 'The sale as it is now', body: saleShape, headers: { ETag: ETAG } } };

const NOT_IN_FORCE = new Problem(
  OUTCOME_UNKNOWN,
  'This is recorded, and will be in force as soon as the lanes of the sale can be reached. Ask again to be sure.',
  { retryAfterSeconds: 1 },
);

export const breaksRules = (detail: string, errors: BrokenRule[]) => new Problem(INVALID_SALE, detail, { errors });

/** @throws Problem `sale-not-found` */
export async function showSale(reader: SaleReader, saleId: string, reply: FastifyReply): Promise<SaleView> {
  const configured = await reader.readConfigured(saleId);
  if (!configured) throw SALE_NOT_FOUND;
  reply.header('etag', etagOf(configured.configVersion));
  return configured.sale;
}

/** @throws Problem `sale-not-found`, `outcome-unknown` while a lane does not obey yet */
export async function showObeyed(
  reader: SaleReader,
  { saleId, obeyed, reply }: { saleId: string; obeyed: Obeyed | 'unknown-sale'; reply: FastifyReply },
): Promise<SaleView> {
  if (obeyed === 'unknown-sale') throw SALE_NOT_FOUND;
  if (obeyed === 'recorded') throw NOT_IN_FORCE;
  return showSale(reader, saleId, reply);
}

export const etagOf = (configVersion: number): string => `"${configVersion}"`;
