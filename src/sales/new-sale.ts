import { z } from 'zod';
import { SALE_ENDED } from '../orders/paths.js';
import { Problem, problemType } from '../platform/http/problem.js';

export const INVALID_SALE = problemType('invalid-sale', 422, {
  title: 'The sale breaks a rule',
  when: 'Every field has its type, and what they say together breaks a rule; or something is open of a sale that is to be sealed. Nothing was changed.',
  next: 'Correct, or wait for, what `errors` names.',
});

const TERMS = {
  name: z.string(),
  sku: z.string(),
  priceMinor: z.int(),
  currency: z.string(),
  perUserLimit: z.int(),
  maxPerOrder: z.int(),
  startsAt: z.iso.datetime({ offset: true }),
  endsAt: z.iso.datetime({ offset: true }),
  paymentWindowSeconds: z.int(),
};

/** The answer to whoever wants to change a sealed sale. */
export const SALE_SEALED = new Problem(SALE_ENDED, 'The sale is sealed: nothing about it changes any more.');

const RULES_ARE_TOLD =
  'What its values must obey beyond their types is told by a 422 `invalid-sale`, which names every broken rule.';

/** The shape of `POST /v1/admin/sales`: a wrong type is `invalid-field`. What the values must obey is below. */
export const newSaleShape = z
  .strictObject({
    ...TERMS,
    stock: z.int(),
    maxPerOrder: TERMS.maxPerOrder.optional(),
    paymentWindowSeconds: TERMS.paymentWindowSeconds.default(900),
    requiresPass: z.boolean().default(false),
    lanes: z.int().default(1),
  })
  .meta({
    id: 'NewSale',
    description: RULES_ARE_TOLD,
    examples: [
      {
        name: "Founders' Mug",
        sku: 'MUG-1',
        priceMinor: 1999,
        currency: 'USD',
        stock: 100,
        perUserLimit: 2,
        startsAt: '2026-11-27T08:00:00Z',
        endsAt: '2026-11-28T08:00:00Z',
      },
    ],
  });
export type NewSale = z.infer<typeof newSaleShape>;

/** The shape of `PATCH /v1/admin/sales/{saleId}`: what is named changes. Stock is adjusted instead. */
export const saleChangeShape = z
  .strictObject(TERMS)
  .partial()
  .meta({ id: 'SaleChange', description: RULES_ARE_TOLD, examples: [{ endsAt: '2026-11-28T10:00:00Z' }] });
export type SaleChange = z.infer<typeof saleChangeShape>;

/** A buyer's record is read by the reserve script: it holds at most 20 orders. */
const PER_USER_LIMIT_MAX = 20;
export const STOCK_MAX = 1_000_000_000;
const PRICE_MINOR_MAX = 1_000_000_000;
const PAYMENT_WINDOW_SECONDS_MAX = 7 * 24 * 60 * 60;
const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));

export interface BrokenRule {
  /** RFC 6901. */
  pointer: string;
  detail: string;
}

/** Every rule that a sale of the right shape breaks; none when it may be created. */
export function brokenRules(sale: NewSale): BrokenRule[] {
  const rules: [pointer: string, holds: boolean, detail: string][] = [
    ['/name', within(sale.name.length, 1, 200), 'must have 1 to 200 characters'],
    ['/sku', within(sale.sku.length, 1, 64), 'must have 1 to 64 characters'],
    ['/priceMinor', within(sale.priceMinor, 0, PRICE_MINOR_MAX), `must be 0 to ${PRICE_MINOR_MAX}`],
    ['/currency', CURRENCIES.has(sale.currency), 'must be an ISO 4217 code'],
    ['/stock', within(sale.stock, 0, STOCK_MAX), `must be 0 to ${STOCK_MAX}`],
    ['/perUserLimit', within(sale.perUserLimit, 1, PER_USER_LIMIT_MAX), `must be 1 to ${PER_USER_LIMIT_MAX}`],
    ['/maxPerOrder', within(sale.maxPerOrder ?? 1, 1, sale.perUserLimit), 'must be 1 to perUserLimit'],
    ['/startsAt', isInOurTime(sale.startsAt), 'must be in the years 2000 to 9999'],
    ['/endsAt', isInOurTime(sale.endsAt), 'must be in the years 2000 to 9999'],
    ['/endsAt', Date.parse(sale.endsAt) > Date.parse(sale.startsAt), 'must be after startsAt'],
    [
      '/paymentWindowSeconds',
      within(sale.paymentWindowSeconds, 1, PAYMENT_WINDOW_SECONDS_MAX),
      `must be 1 to ${PAYMENT_WINDOW_SECONDS_MAX}`,
    ],
    ['/requiresPass', !sale.requiresPass, 'must be false: purchase passes are not issued yet'],
    ['/lanes', sale.lanes === 1, 'must be 1: units are not moved between the lanes of a sale yet'],
  ];
  return rules.filter(([, holds]) => !holds).map(([pointer, , detail]) => ({ pointer, detail }));
}

/** The scripts count milliseconds since 1970, and RFC 3339 ends with the year 9999. */
const isInOurTime = (date: string) => within(Date.parse(date), Date.UTC(2000), Date.UTC(10_000) - 1);

const within = (value: number, min: number, max: number) => value >= min && value <= max;
