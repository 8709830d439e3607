-- Written by hand, as those before: partial indexes, CHECKs and storage parameters are beyond Prisma.

-- What has happened and somebody must be told of: one row for each event and consumer, written in the transaction of the
-- change, deleted in the transaction of its effect. The lease is in no index, so that taking it stays on the page (HOT),
-- which needs room there.
CREATE TABLE outbox_events (
    event_id     bigint      GENERATED ALWAYS AS IDENTITY,
    sale_id      uuid        NOT NULL,
    order_id     uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    consumer     text        NOT NULL,
    event        text        NOT NULL,
    PRIMARY KEY (consumer, event_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Read by expiry only. Finished orders leave it.
CREATE INDEX orders_awaiting_payment ON orders (expires_at) WHERE status = 'pending_payment';

-- A gateway knows an order by its id alone, and tells us of it also when our own call to it had failed. Ids are given in
-- the order of time, so new ones are appended.
CREATE INDEX orders_by_id ON orders (order_id);

-- What the gateway was asked to charge, and what it has charged. That a payment is captured and has no refund says that it
-- is the one that paid its order.
CREATE TABLE payments (
    payment_id   text        PRIMARY KEY,
    sale_id      uuid        NOT NULL,
    order_id     uuid        NOT NULL,
    amount_minor bigint      NOT NULL CHECK (amount_minor >= 0),
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    captured_at  timestamptz,
    confirmed_at timestamptz,
    currency     char(3)     NOT NULL,
    gateway      text        NOT NULL,
    payment_url  text
) WITH (fillfactor = 80);
CREATE INDEX payments_of_an_order ON payments (order_id);
-- Charges that the gateway has told us of and that were not found among its charges yet.
CREATE INDEX payments_to_confirm ON payments (order_id) WHERE captured_at IS NOT NULL AND confirmed_at IS NULL;

-- Money that came for an order that could not be paid with it: each payment goes back once.
CREATE TABLE refunds (
    payment_id   text        PRIMARY KEY,
    sale_id      uuid        NOT NULL,
    order_id     uuid        NOT NULL,
    amount_minor bigint      NOT NULL CHECK (amount_minor >= 0),
    due_at       timestamptz NOT NULL DEFAULT now(),
    done_at      timestamptz,
    currency     char(3)     NOT NULL,
    refund_id    text
);
CREATE INDEX refunds_of_an_order ON refunds (order_id);

-- What gateways have told us, kept as it came. A row without applied_at waits to be applied.
CREATE TABLE webhook_events (
    id           text        PRIMARY KEY,
    order_id     uuid,
    amount_minor bigint,
    received_at  timestamptz NOT NULL DEFAULT now(),
    look_at      timestamptz NOT NULL DEFAULT now(),
    applied_at   timestamptz,
    type         text        NOT NULL,
    payment_id   text,
    currency     text,
    outcome      text,
    body_hash    bytea       NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX webhook_events_to_apply ON webhook_events (look_at) WHERE applied_at IS NULL;
-- Charges that are not what their order costs. Few, and each is for a human.
CREATE INDEX webhook_events_of_other_amounts ON webhook_events (order_id) WHERE outcome = 'other-amount';

-- Up to when the charges of a gateway were compared with ours.
CREATE TABLE gateway_walks (
    gateway      text        PRIMARY KEY,
    walked_until timestamptz NOT NULL
);

-- Granted once for each paid order.
CREATE TABLE reward_points (
    order_id   uuid        PRIMARY KEY,
    sale_id    uuid        NOT NULL,
    points     bigint      NOT NULL CHECK (points >= 0),
    granted_at timestamptz NOT NULL DEFAULT now(),
    buyer_id   text        NOT NULL
);
CREATE INDEX reward_points_of_a_buyer ON reward_points (buyer_id, order_id DESC);
