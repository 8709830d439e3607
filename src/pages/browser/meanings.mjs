/** What stands in docs/OPERATIONS.md, where an operator needs it. A test holds the two together. */

/** Of each difference that an audit may name. */
export const DIFFERENCES = {
  'lane-closed':
    'The lane decides nothing; the detail says why. The guard heals it by itself: look again in a few seconds. If it stays, the workers do not run, or cannot reach a store: look at /health/ready and at the log of the worker for guard of lane.',
  'sale-not-in-redis':
    'The sale was loaded and its keys are gone, though its lane is there: somebody deleted them. The guard rebuilds the lane at its next look.',
  'totals-differ':
    'Redis and PostgreSQL have different totals, and no adjustment is under way: one side was edited by hand. PostgreSQL is right; ask for a rebuild.',
  'redis-not-conserved':
    'Total is not available plus held: the counter of Redis was edited, or a script was. Pause the sale, ask for a rebuild, resume.',
  'postgres-not-conserved':
    'sale_lanes.held is not what the orders hold: a row was edited by hand. Correct held to the sum that the detail names, in one statement, and audit again.',
  'decisions-not-recorded':
    'Redis has made decisions that PostgreSQL has not recorded and that are not on their way. Repair stores them from buyers within some 10 s. If it stays, their orders are not in buyers either: somebody deleted both. Ask for a rebuild; it counts them as lost.',
  'order-not-stored':
    'A buyer holds an order in Redis that PostgreSQL has not. It is an accepted order: repair stores it. It stays while it is a dead letter.',
  'order-not-in-redis':
    'PostgreSQL has an order whose units Redis must hold, and its buyer in Redis does not have it: the same units may be sold again, and PostgreSQL would refuse them. Ask for a rebuild.',
  'order-differs':
    'Both have the order, with another buyer, key, quantity or version: one side was edited by hand. What the buyer was answered is in Redis; if PostgreSQL is wrong, correct its row; then ask for a rebuild.',
  'release-not-recorded':
    'Redis has given the units back and PostgreSQL does not say so. Repair records it. If it stays, the order is not finished in PostgreSQL: one side was edited by hand; ask for a rebuild.',
  'release-not-in-redis':
    'PostgreSQL says that the units are back, and Redis holds them: they are not sold, though they could be. Ask for a rebuild.',
  'held-differs':
    'The units that buyers hold in Redis are not those of the orders in PostgreSQL. It comes with one of the kinds above, which says more.',
  'charge-without-paid-order':
    "The gateway has charged a buyer, and neither is the order paid nor is the money going back. With another amount or currency than the order's, a human decides: refund it at the gateway, or make good what is wrong there. Otherwise somebody has edited a row by hand.",
  'paid-without-charge':
    "The order is paid, and no charge of it is known, or a walk over the gateway's charges has not found it. Look the payment up at the gateway: a row edited by hand, another account, or a gateway that has lost it.",
  'refund-overdue':
    'Money was to be given back REFUND_OVERDUE_AFTER_SECONDS ago, and the gateway has not confirmed it. It is asked again every OUTBOX_LEASE_SECONDS; the log of the worker says what it answers.',
};

/** Of each reason of a dead letter: what it is, and what to do. */
export const REASONS = {
  unreadable:
    'Not written by the reserve script, or deleted before it was stored. Deleted: repair stores its order and settles the letter, unless a rebuild came between. Else discard, or replay it after an update that reads it.',
  superseded:
    'Accepted in an epoch that a rebuild ended without finding it. The buyer has a 202: discard, the order becomes rejected.',
  conflict: 'Its order is stored with other content. Somebody wrote to the stream: discard.',
  orphan: 'Its sale is not in this lane. Replay when the sale is there, else discard.',
  'refused-by-database':
    'Over the total, or a second order for one key: Redis was wrong. Its sale was paused. Raise the stock and replay, or discard; ask for a rebuild; resume.',
};
