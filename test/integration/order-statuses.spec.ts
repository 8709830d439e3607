import { NEXT_STATUSES } from '../../src/orders/order-status.js';
import { query } from '../support/stores.js';

describe('the statuses of an order', () => {
  it('are those that Postgres knows, in the same order', async () => {
    const rows = await query<{ status: string }>(
      process.env.TEST_DATABASE_URL ?? '',
      'SELECT unnest(enum_range(NULL::order_status))::text AS status',
    );
    expect(rows.map(({ status }) => status)).toEqual(Object.keys(NEXT_STATUSES));
  });
});
