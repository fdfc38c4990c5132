// Drizzle on the view, which it knows as a table, and its kit, which compares the
// schema "public" with the tables that it is told of: the views are elsewhere.
const { execFileSync } = require('child_process');
const { mkdtempSync, writeFileSync } = require('fs');
const { join } = require('path');
const { drizzle } = require('drizzle-orm/node-postgres');
const { eq, sql } = require('drizzle-orm');
const { pgSchema, integer, text, timestamp } = require('drizzle-orm/pg-core');
const { Pool } = require('pg');
const { ok, equal, rejected, run } = require('./check');

const tables = (more) => `
const { pgTable, integer, text, timestamp } = require('drizzle-orm/pg-core');
const time = (name) => timestamp(name, { withTimezone: true });
exports.users = pgTable('users', { id: integer().primaryKey(), email: text().unique().notNull(), updatedAt: time('updated_at').defaultNow(), deletedAt: time('deleted_at')${more} });
exports.orders = pgTable('orders', { id: integer().primaryKey(), userId: integer('user_id').references(() => exports.users.id, { onDelete: 'cascade' }), deletedAt: time('deleted_at') });
exports.invoices = pgTable('invoices', { id: integer().primaryKey(), orderId: integer('order_id').references(() => exports.orders.id, { onDelete: 'restrict' }) });
`;

// What drizzle-kit push says it does
function push(directory, more) {
  const { PGHOST, PGPORT, PGUSER, PGDATABASE } = process.env;
  writeFileSync(join(directory, 'schema.js'), tables(more));
  writeFileSync(join(directory, 'drizzle.config.js'), `module.exports = { dialect: 'postgresql', schema: ${JSON.stringify(join(directory, 'schema.js'))},
    dbCredentials: { url: 'postgres://${PGUSER}@localhost:${PGPORT}/${PGDATABASE}?host=${encodeURIComponent(PGHOST)}' } };`);
  return execFileSync('drizzle-kit', ['push', '--force', '--verbose', '--config', join(directory, 'drizzle.config.js')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

run(async () => {
  const pool = new Pool();
  const db = drizzle(pool);
  const directory = mkdtempSync('/tmp/schemakit-drizzle.');
  push(directory, '');
  await pool.query(`CREATE SCHEMA live; SELECT schemakit.soft_delete_enable('users', view_name => 'live.users'), schemakit.soft_delete_enable('orders', view_name => 'live.orders')`);
  ok(/No changes detected/.test(push(directory, '')), 'drizzle-kit push finds no drift');

  const live = pgSchema('live');
  const time = (name) => timestamp(name, { withTimezone: true });
  const users = live.table('users', { id: integer().primaryKey(), email: text().notNull(), updatedAt: time('updated_at').defaultNow(), deletedAt: time('deleted_at') });
  const orders = live.table('orders', { id: integer().primaryKey(), userId: integer('user_id'), deletedAt: time('deleted_at') });
  const base = require(join(directory, 'schema.js'));

  await db.insert(users).values([1, 2, 3].map((id) => ({ id, email: `user${id}@example.com`, updatedAt: new Date('2001-01-01') })));
  await db.insert(orders).values([1, 2, 3, 4, 5, 6].map((id) => ({ id, userId: 1 + (id % 3) })));
  await db.delete(orders).where(eq(orders.id, 3));
  equal((await db.delete(users).where(eq(users.id, 1))).rowCount, 1, 'delete() counts');
  equal((await db.delete(users).where(eq(users.id, 1))).rowCount, 0, 'and does not count twice');
  equal(await db.delete(users).where(eq(users.id, 2)).returning({ email: users.email }), [{ email: 'user2@example.com' }], 'returning()');
  equal(await db.$count(users), 1, 'count of live rows');
  equal((await db.select().from(orders).orderBy(orders.id)).map((o) => o.id), [2, 5], 'what cascades has gone along');
  equal(await db.$count(base.users), 3, 'nothing is lost');
  ok((await db.select().from(base.users).where(eq(base.users.id, 1)))[0].updatedAt.getFullYear() > 2001, 'updated_at has advanced');
  await db.update(base.users).set({ deletedAt: null }).where(eq(base.users.id, 1));
  equal((await db.select().from(orders).orderBy(orders.id)).map((o) => o.id), [2, 5, 6], 'restored, but for what was deleted before');
  await db.insert(base.invoices).values({ id: 1, orderId: 2 });
  const error = await rejected(db.delete(users).where(eq(users.id, 3)));
  ok(['23503', '23001'].includes(error && (error.cause || error).code), 'a live invoice prevents it');

  push(directory, ', age: integer()');
  push(directory, ', age: text()');
  equal((await pool.query('SELECT * FROM live.users')).fields.map((f) => f.name), ['id', 'email', 'updated_at', 'deleted_at', 'age'], 'the view follows migrations');
  push(directory, '');
  ok(/No changes detected/.test(push(directory, '')), 'and there is no drift again');
  equal((await db.execute(sql`SELECT * FROM live.users`)).fields.map((f) => f.name), ['id', 'email', 'updated_at', 'deleted_at'], 'also when a column goes');
  await pool.end();
});
