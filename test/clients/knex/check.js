// Knex's migrations up, down and up; everything else through the views.
const { ok, equal, rejected, audited, makeOld, changed, run } = require('../checks');
const { db, migrations, actAs, deleteUser, restoreUser } = require('./app');

run(async () => {
  const { migrate } = migrations;
  await migrate.latest();
  await migrate.rollback(undefined, true);
  equal((await migrate.latest())[1], ['1_schemakit.js', '2_shop.js', '3_age.js'], 'migrations up, down and up');
  equal((await migrate.latest())[1], [], 'and then none');
  ok('years' in await db('users').columnInfo(), 'the view follows them');

  await actAs('ann@example.com', async (trx) => {
    await trx('users').insert([1, 2, 3].map((id) => ({ email: `user${id}@example.com` })));
    await trx('orders').insert([1, 2, 3, 4, 5, 6].map((id) => ({ id, user_id: 1 + (id % 3) })));
  });
  await makeOld('users');
  await actAs('ann@example.com', (trx) => trx('users').where({ id: 2 }).update({ name: 'Bob' }));
  equal(await changed('users'), [2], 'updated_at has advanced');
  const [{ updated_at: time }] = await db('users').where({ id: 2 }).update({ name: 'Rob' }).returning('updated_at');
  ok(time.getFullYear() > 2001, 'returning() tells the new time');
  await makeOld('users');
  await db.transaction(async (trx) => {
    await trx.raw('SET LOCAL schemakit.timestamps_touch = off');
    await trx('users').where({ id: 2 }).update({ name: 'Bob' });
  });
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await db('users').where({ id: 2 }).update({ updated_at: '2011-01-01' });
  equal((await db('users').where({ id: 2 }).first()).updated_at.getFullYear(), 2011, 'a time that is set is kept');

  await db('orders').where({ id: 3 }).del();
  equal(await actAs('bob@example.com', (trx) => deleteUser(trx, 1)), 1, 'del() counts');
  equal(await db('users').where({ id: 1 }).del(), 0, 'and does not count twice');
  equal(await db('users').where({ id: 2 }).del().returning('email'), [{ email: 'user2@example.com' }], 'returning()');
  equal(await db('users').pluck('id').orderBy('id'), [3], 'deleted rows are not seen');
  equal(await db('orders').pluck('id').orderBy('id'), [2, 5], 'nor is what cascades');
  equal(Number((await migrations('users').count())[0].count), 3, 'nothing is lost');
  equal(await changed('users'), [1, 2], 'updated_at has advanced');
  equal(await actAs('cleo@example.com', (trx) => restoreUser(trx, 1)), 1, 'restore');
  equal(await db('users').pluck('id').orderBy('id'), [1, 3], 'it is back');
  equal(await db('orders').pluck('id').orderBy('id'), [2, 5, 6], 'and what had gone along, but for what was deleted before');
  await db('invoices').insert({ id: 1, order_id: 2 });
  const error = await rejected(db('users').where({ id: 3 }).del());
  ok(['23503', '23001'].includes(error && error.code), 'a live invoice prevents it');
  equal(error.constraint, 'invoices_order_id_foreign', 'the error names the constraint');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'ann@example.com U 2', 'nobody U 2', 'nobody U 2',
    'bob@example.com deleted 1', 'nobody deleted 2', 'cleo@example.com restored 1',
  ], 'the audit log knows who did it');
  equal((await audited('orders')).slice(6), [
    'nobody deleted 3', 'bob@example.com deleted 6', 'nobody deleted 1', 'nobody deleted 4', 'cleo@example.com restored 6',
  ], 'also of what cascades');
  await Promise.all([migrations.destroy(), db.destroy()]);
});
