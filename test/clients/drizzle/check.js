// Drizzle through the views, which it knows as tables, and its kit, which compares
// the schema "public" with the tables that it is told of.
const { spawnSync } = require('child_process');
const { eq, sql } = require('drizzle-orm');
const { pgTable, integer, text, timestamp } = require('drizzle-orm/pg-core');
const { ok, equal, rejected, asSuperuser, audited, makeOld, changed, run } = require('../checks');
const { pool, db, users, orders, invoices, actAs, deleteUser, restoreUser } = require('./app');

// What drizzle-kit says
function kit(...args) {
  const { stdout, stderr } = spawnSync('drizzle-kit', args, { cwd: __dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return stdout + stderr;
}
const push = () => kit('push', '--force', '--verbose');
const columns = async () => (await pool.query('SELECT * FROM live.users LIMIT 0')).fields.map((field) => field.name).join();
const ids = async (table) => (await db.select({ id: table.id }).from(table).orderBy(table.id)).map((row) => row.id);

run(async () => {
  ok(/migrations applied successfully/.test(kit('migrate')), 'drizzle-kit migrate');
  ok(/No changes detected/.test(push()), 'drizzle-kit push finds no drift');

  await actAs('ann@example.com', async (tx) => {
    await tx.insert(users).values([1, 2, 3].map((id) => ({ email: `user${id}@example.com` })));
    await tx.insert(orders).values([1, 2, 3, 4, 5, 6].map((id) => ({ id, userId: 1 + (id % 3) })));
  });
  await makeOld('users');
  await actAs('ann@example.com', (tx) => tx.update(users).set({ name: 'Bob' }).where(eq(users.id, 2)));
  equal(await changed('users'), [2], 'updated_at has advanced');
  const [{ updatedAt }] = await db.update(users).set({ name: 'Rob' }).where(eq(users.id, 2)).returning();
  ok(updatedAt.getFullYear() > 2001, 'returning() tells the new time');
  await makeOld('users');
  await db.transaction(async (tx) => {
    await tx.execute(sql`SET LOCAL schemakit.timestamps_touch = off`);
    await tx.update(users).set({ name: 'Bob' }).where(eq(users.id, 2));
  });
  equal(await changed('users'), [], 'or not, if the transaction says so');
  const touched = pgTable('users', { id: integer(), name: text(), updatedAt: timestamp('updated_at', { withTimezone: true }).$onUpdate(() => new Date('2011-01-01')) });
  await db.update(touched).set({ name: 'Rob' }).where(eq(touched.id, 2));
  equal((await db.select().from(touched).where(eq(touched.id, 2)))[0].updatedAt.getFullYear(), 2011, 'the time of $onUpdate() is kept');
  await makeOld('users');
  await db.update(touched).set({ name: 'Bob', updatedAt: sql`updated_at` }).where(eq(touched.id, 2));
  equal(await changed('users'), [2], 'the old time is no time that is set');

  await db.delete(orders).where(eq(orders.id, 3));
  equal((await actAs('bob@example.com', (tx) => deleteUser(tx, 1))).rowCount, 1, 'delete() counts');
  equal((await db.delete(users).where(eq(users.id, 1))).rowCount, 0, 'and does not count twice');
  equal(await db.delete(users).where(eq(users.id, 2)).returning({ email: users.email }), [{ email: 'user2@example.com' }], 'returning()');
  equal(await ids(users), [3], 'deleted rows are not seen');
  equal(await ids(orders), [2, 5], 'nor is what cascades');
  equal((await pool.query('SELECT count(*)::int AS n FROM public.users')).rows[0].n, 3, 'nothing is lost');
  equal(await changed('users'), [1, 2], 'updated_at has advanced');
  equal((await actAs('cleo@example.com', (tx) => restoreUser(tx, 1))).rowCount, 1, 'restore');
  equal(await ids(users), [1, 3], 'it is back');
  equal(await ids(orders), [2, 5, 6], 'and what had gone along, but for what was deleted before');
  await db.insert(invoices).values({ id: 1, orderId: 2 });
  const error = await rejected(db.delete(users).where(eq(users.id, 3)));
  ok(['23503', '23001'].includes(error && (error.cause || error).code), 'a live invoice prevents it');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'ann@example.com U 2', 'nobody U 2', 'nobody U 2', 'nobody U 2', 'nobody U 2',
    'bob@example.com deleted 1', 'nobody deleted 2', 'cleo@example.com restored 1',
  ], 'the audit log knows who did it');
  equal((await audited('orders')).slice(6), [
    'nobody deleted 3', 'bob@example.com deleted 6', 'nobody deleted 1', 'nobody deleted 4', 'cleo@example.com restored 6',
  ], 'also of what cascades');

  await pool.query('ALTER TABLE public.users ADD age int');
  await pool.query('ALTER TABLE public.users ALTER age TYPE text');
  equal(await columns(), 'id,email,name,updated_at,deleted_at,age', 'the view follows a new column');
  push();
  equal(await columns(), 'id,email,name,updated_at,deleted_at', 'and one that drizzle-kit drops');
  ok(/No changes detected/.test(push()), 'and there is no drift again');

  // a view in a schema of its own is not seen, and one in "public" is dropped
  const views = async () => (await pool.query("SELECT concat(schemaname, '.', viewname) AS view FROM pg_views WHERE schemaname IN ('live', 'public') ORDER BY 1")).rows.map((row) => row.view);
  const [own, all] = [['live.orders', 'live.users'], ['live.orders', 'live.users', 'public.invoices_live']];
  for (const args of [[], [], ['--force'], ['--force']]) {
    ok(/No changes detected/.test(kit('push', ...args)), `drizzle-kit push ${args} finds no drift`);
    equal(await views(), own, 'and leaves the views alone');
  }
  await pool.query("ALTER TABLE public.invoices ADD deleted_at timestamptz; SELECT schemakit.soft_delete_enable('public.invoices')");
  equal(await views(), all, 'a view in the schema of its table');
  kit('push', '--force');
  ok(!(await views()).includes('public.invoices_live'), 'is dropped by push --force');
  await pool.query('DROP VIEW live.users');
  equal((await asSuperuser("SELECT * FROM schemakit.status() WHERE relid = 'public.users'::regclass AND state <> 'ok'")).length, 1, 'status() tells of a view that is missing');
  equal((await asSuperuser("SELECT action FROM schemakit.auto_apply() WHERE relid = 'public.users'::regclass")).flat(), ['repaired'], 'auto_apply() makes it again');
  ok((await views()).includes('live.users'), 'it is there');
  equal((await pool.query('SELECT id FROM live.users ORDER BY id')).rows.length, 2, 'with its rows');
  await pool.end();
});
