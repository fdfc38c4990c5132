// Objection through the views, on Knex.  A hook sets updated_at, as Objection's own
// manual tells; without one, the trigger does.
const knex = require('knex');
const { Model } = require('objection');
const { ok, equal, audited, makeOld, changed, run } = require('../checks');

const db = knex({ client: 'pg', connection: process.env.DATABASE_URL, searchPath: ['live', 'public'] });

class User extends Model {
  static tableName = 'users';
}

class TouchedUser extends User {
  $beforeUpdate() {
    this.updated_at = '2011-01-01';
  }
}

async function touchOff(work) {
  return User.transaction(async (trx) => {
    await trx.raw('SET LOCAL schemakit.timestamps_touch = off');
    return work(trx);
  });
}

run(async () => {
  Model.knex(db);
  await db.raw(`CREATE TABLE public.users (id serial PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
    CREATE SCHEMA live; SELECT schemakit.audit_enable('public.users'), schemakit.soft_delete_enable('public.users', view_schema => 'live')`);
  await User.transaction(async (trx) => {
    await trx.raw('SELECT schemakit.audit_set_actor(?)', ['ann@example.com']);
    await User.query(trx).insertGraph([{ name: 'Ann' }, { name: 'Bob' }, { name: 'Cleo' }]);
  });

  await makeOld('users');
  const bob = await User.query().findById(2);
  await bob.$query().patch({ name: 'Rob' });
  equal(await changed('users'), [2], 'updated_at has advanced');
  equal(bob.updated_at.getFullYear(), 2001, 'the object has the old time');
  ok((await bob.$query().patchAndFetch({ name: 'Bob' })).updated_at.getFullYear() > 2001, 'until patchAndFetch()');
  await makeOld('users');
  await touchOff((trx) => User.query(trx).findById(2).patch({ name: 'Rob' }));
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await TouchedUser.query().findById(2).patch({ name: 'Bob' });
  equal((await User.query().findById(2)).updated_at.getFullYear(), 2011, 'the time of $beforeUpdate() is kept');

  equal(await User.query().deleteById(1), 1, 'deleteById() counts');
  equal(await User.query().deleteById(1), 0, 'and does not count twice');
  equal((await User.query().orderBy('id')).map((user) => user.id), [2, 3], 'deleted rows are not seen');
  equal(await User.query().withSchema('public').resultSize(), 3, 'nothing is lost');
  await User.query().withSchema('public').findById(1).patch({ deleted_at: null });
  equal(await User.query().resultSize(), 3, 'it is back');
  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'nobody U 2', 'nobody U 2', 'nobody U 2', 'nobody U 2',
    'nobody deleted 1', 'nobody restored 1',
  ], 'the audit log knows who did it');
  await db.destroy();
});
