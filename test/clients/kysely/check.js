// Kysely's migrations up, down and up; everything else through the views.
const { sql } = require('kysely');
const { NO_MIGRATIONS } = require('kysely/migration');
const { ok, equal, rejected, audited, makeOld, changed, run } = require('../checks');
const { db, tables, migrator, actAs, deleteUser, restoreUser } = require('./app');

async function done(migration) {
  const { error, results } = await migration;
  if (error) throw error;
  return results.map((result) => result.migrationName);
}
const ids = async (table) => (await db.selectFrom(table).select('id').orderBy('id').execute()).map((row) => row.id);

run(async () => {
  await done(migrator.migrateToLatest());
  await done(migrator.migrateTo(NO_MIGRATIONS));
  equal(await done(migrator.migrateToLatest()), ['1_schemakit', '2_shop', '3_age'], 'migrations up, down and up');
  equal(await done(migrator.migrateToLatest()), [], 'and then none');
  ok((await db.introspection.getTables()).some(({ schema, name, columns }) => schema === 'live' && name === 'users' && columns.some((column) => column.name === 'years')), 'the view follows them');

  await actAs('ann@example.com', async (trx) => {
    await trx.insertInto('users').values([1, 2, 3].map((id) => ({ email: `user${id}@example.com` }))).execute();
    await trx.insertInto('orders').values([1, 2, 3, 4, 5, 6].map((id) => ({ id, user_id: 1 + (id % 3) }))).execute();
  });
  await makeOld('users');
  const { updated_at: time } = await actAs('ann@example.com', (trx) => trx.updateTable('users').set({ name: 'Bob' }).where('id', '=', 2).returning('updated_at').executeTakeFirst());
  equal(await changed('users'), [2], 'updated_at has advanced');
  ok(time.getFullYear() > 2001, 'returning() tells the new time');

  await makeOld('users');
  await db.transaction().execute(async (trx) => {
    await sql`SET LOCAL schemakit.timestamps_touch = off`.execute(trx);
    await trx.updateTable('users').set({ name: 'Robert' }).where('id', '=', 2).execute();
  });
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await db.updateTable('users').set({ updated_at: '2011-01-01' }).where('id', '=', 3).execute();
  equal((await db.selectFrom('users').select('updated_at').where('id', '=', 3).executeTakeFirst()).updated_at.getFullYear(), 2011, 'a time that is set is kept');

  await makeOld('users');
  await db.deleteFrom('orders').where('id', '=', 3).execute();
  equal(Number((await actAs('bob@example.com', (trx) => deleteUser(trx, 1))).numDeletedRows), 1, 'deleteFrom() counts');
  equal(Number((await deleteUser(db, 1)).numDeletedRows), 0, 'and does not count twice');
  equal(await db.deleteFrom('users').where('id', '=', 2).returning('email').execute(), [{ email: 'user2@example.com' }], 'returning()');
  equal(await ids('users'), [3], 'deleted rows are not seen');
  equal(await ids('orders'), [2, 5], 'nor is what cascades');
  equal((await tables.selectFrom('users').select('id').execute()).length, 3, 'nothing is lost');
  equal(await changed('users'), [1, 2], 'updated_at has advanced');
  equal(Number((await actAs('cleo@example.com', (trx) => restoreUser(trx, 1))).numUpdatedRows), 1, 'restore');
  equal(await ids('users'), [1, 3], 'it is back');
  equal(await ids('orders'), [2, 5, 6], 'and what had gone along, but for what was deleted before');
  await db.insertInto('invoices').values({ id: 1, order_id: 2 }).execute();
  const error = await rejected(deleteUser(db, 3));
  ok(['23503', '23001'].includes(error && error.code), 'a live invoice prevents it');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'ann@example.com U 2', 'nobody U 2',
    'bob@example.com deleted 1', 'nobody deleted 2', 'cleo@example.com restored 1',
  ], 'the audit log knows who did it');
  equal((await audited('orders')).slice(6), [
    'nobody deleted 3', 'bob@example.com deleted 6', 'nobody deleted 1', 'nobody deleted 4', 'cleo@example.com restored 6',
  ], 'also of what cascades');
  await Promise.all([tables.destroy(), db.destroy()]);
});
