// What the looks in JavaScript share: the tables of an application, and files of
// what a tool sees of them.
const { mkdirSync, writeFileSync } = require('fs');
const { dirname, join } = require('path');
const { Client } = require('pg');

const tables = `
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE TABLE users (
    id         serial PRIMARY KEY,
    email      text NOT NULL UNIQUE,
    name       varchar(80),
    mood       mood DEFAULT 'ok',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
  );
  CREATE TABLE orders (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    int NOT NULL REFERENCES users ON DELETE CASCADE,
    total      numeric(10, 2) CHECK (total >= 0),
    tags       text[],
    "updatedAt" timestamp(3) NOT NULL DEFAULT now(),
    "deletedAt" timestamp(3)
  );
  CREATE INDEX orders_user_id ON orders (user_id) WHERE "deletedAt" IS NULL;
  COMMENT ON TABLE orders IS 'what users have ordered';
  CREATE TABLE products_of_orders (
    order_id int REFERENCES orders,
    product  text,
    PRIMARY KEY (order_id, product)
  );
  CREATE VIEW totals AS SELECT user_id, sum(total) AS total FROM orders GROUP BY 1;
  CREATE FUNCTION total_of(id int) RETURNS numeric LANGUAGE sql STABLE AS
    'SELECT total FROM totals WHERE user_id = id';`;

async function createTables(change = (sql) => sql) {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  await client.query(change(tables)).finally(() => client.end());
}

// A file that is compared: text as it is, and all else as JSON
function write(name, value) {
  const file = join(process.env.OUT, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof value === 'string' ? value : `${JSON.stringify(value, null, 1)}\n`);
}

function look(main) {
  main().then(() => process.exit(0), (error) => {
    console.log(error);
    process.exit(1);
  });
}

module.exports = { createTables, write, look };
