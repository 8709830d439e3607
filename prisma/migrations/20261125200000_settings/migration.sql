-- What operators have set in place of the environment. Without a row the environment of a process decides.
-- The value is written as the variable would be.
CREATE TABLE settings (
    changed_at timestamptz NOT NULL DEFAULT now(),
    name       text        PRIMARY KEY,
    value      text        NOT NULL,
    changed_by text        NOT NULL
);
