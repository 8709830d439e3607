-- Sealed for good: nothing of it is open, its keys leave Redis, and what is known of it is known from here.
ALTER TABLE sales ADD COLUMN sealed_at timestamptz;

-- Since when Redis surely has no key of a sealed sale. Until then a rebuild writes it, as any other.
ALTER TABLE sale_lanes ADD COLUMN removed_at timestamptz;
