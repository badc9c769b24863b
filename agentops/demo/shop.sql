-- The demo shop: whom it sells to, what they ordered, what they got back.
CREATE SCHEMA IF NOT EXISTS shop;

CREATE TABLE IF NOT EXISTS shop.customers (
    id text PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS shop.orders (
    id text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES shop.customers ON DELETE CASCADE,
    item text NOT NULL,
    total numeric(10, 2) NOT NULL CHECK (total > 0),
    status text NOT NULL CHECK (status IN ('placed', 'shipped', 'delivered', 'delivered late', 'returned')),
    ordered_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_customer ON shop.orders (customer_id);

CREATE TABLE IF NOT EXISTS shop.refunds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text NOT NULL REFERENCES shop.orders ON DELETE CASCADE,
    amount numeric(10, 2) NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    refunded_at timestamptz NOT NULL DEFAULT now(),
    idempotency_key text NOT NULL UNIQUE
);
CREATE INDEX IF NOT EXISTS refunds_by_order ON shop.refunds (order_id);
ALTER TABLE shop.refunds ADD COLUMN IF NOT EXISTS reversed_at timestamptz;
ALTER TABLE shop.refunds ADD COLUMN IF NOT EXISTS reversed_because text;
