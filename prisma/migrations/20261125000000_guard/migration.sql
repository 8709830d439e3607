-- Written by hand, as the first one is: partial indexes and CHECKs are beyond Prisma.

-- Who holds a duty, and since which token: a holder that was paused finds a larger one (src/platform/lock).
CREATE TABLE leases (
    name       text        PRIMARY KEY,
    token      bigint      NOT NULL,
    holder     text        NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Why an operator wants a lane to be rebuilt. The guard that does it takes it away.
ALTER TABLE lanes ADD COLUMN rebuild_asked text;

-- Every rebuild of a lane, by the epoch that it opened.
CREATE TABLE rebuilds (
    lane       smallint    NOT NULL,
    epoch      integer     NOT NULL,
    began_at   timestamptz NOT NULL,
    opened_at  timestamptz,
    orders     bigint      NOT NULL DEFAULT 0,
    given_back bigint      NOT NULL DEFAULT 0,
    lost       bigint      NOT NULL DEFAULT 0,
    because    text        NOT NULL,
    PRIMARY KEY (lane, epoch)
);

-- Units of these orders are owed to Redis. Orders whose units are back, and all that are alive, are not in it.
CREATE INDEX orders_to_give_back ON orders (lane, sale_id, order_id)
    WHERE released_version IS NULL AND status IN ('expired', 'cancelled', 'rejected');

-- One at a time for each sale and lane: the script in Redis counts them, and applies each number once.
CREATE TABLE stock_adjustments (
    sale_id         uuid        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    version         bigint,
    number          integer     NOT NULL CHECK (number > 0),
    delta           integer     NOT NULL CHECK (delta <> 0),
    lane            smallint    NOT NULL,
    state           text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'refused')),
    idempotency_key text        NOT NULL,
    requested_by    text        NOT NULL,
    reason          text        NOT NULL,
    PRIMARY KEY (sale_id, lane, number)
);
CREATE UNIQUE INDEX one_pending_adjustment ON stock_adjustments (sale_id, lane) WHERE state = 'pending';
-- A refusal leaves nothing behind: the same key is decided afresh.
CREATE UNIQUE INDEX one_adjustment_per_key ON stock_adjustments (sale_id, idempotency_key) WHERE state <> 'refused';

ALTER TABLE dead_letters
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN resolved_by text,
    ADD COLUMN resolution  text;
CREATE INDEX open_dead_letters ON dead_letters (lane) WHERE state = 'open';

-- What the last scheduled audit of a sale found, written under the token of its lease, so that an older pass cannot come last.
CREATE TABLE audit_findings (
    sale_id     uuid        PRIMARY KEY,
    checked_at  timestamptz NOT NULL DEFAULT now(),
    token       bigint      NOT NULL,
    consistent  boolean     NOT NULL,
    quiescent   boolean     NOT NULL,
    differences jsonb       NOT NULL
);

-- What operators did, in the transaction that did it.
CREATE TABLE admin_actions (
    action_id uuid        PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    actor     text        NOT NULL,
    action    text        NOT NULL,
    subject   text        NOT NULL,
    detail    jsonb       NOT NULL DEFAULT '{}'
);
