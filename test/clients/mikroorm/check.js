// MikroORM through the views, and its migrations and schema generator, which look at
// the tables.
const { ok, equal, rejected, audited, makeOld, changed, run } = require('../checks');
const { User, Order, Invoice, database, migrations, actAs, deleteUser, restoreUser } = require('./app');

const ids = async (em, entity) => (await em.fork().find(entity, {}, { orderBy: { id: 'asc' } })).map((row) => row.id);

run(async () => {
  const tables = await migrations();
  await tables.migrator.up();
  await tables.migrator.down({ to: 0 });
  equal((await tables.migrator.up()).map((m) => m.name), ['Migration1_schemakit', 'Migration2_shop', 'Migration3_rules'], 'migrations up, down and up');
  equal(await tables.schema.getUpdateSchemaSQL(), '', 'the schema generator finds no drift');

  const orm = await database();
  await actAs(orm, 'ann@example.com', async (em) => {
    const users = [1, 2, 3].map((id) => em.create(User, { email: `user${id}@example.com` }));
    await em.flush();
    for (const id of [1, 2, 3, 4, 5, 6]) em.create(Order, { user: users[id % 3] });
  });
  await makeOld('users');
  const em = orm.em.fork();
  const bob = await em.findOneOrFail(User, 2);
  bob.name = 'Bob';
  await em.flush();
  equal(await changed('users'), [2], 'updated_at has advanced');
  equal(bob.updatedAt.getFullYear(), 2001, 'the object has the old time');
  await em.refresh(bob);
  ok(bob.updatedAt.getFullYear() > 2001, 'until refresh()');

  await makeOld('users');
  await em.transactional(async (tx) => {
    await tx.execute('SET LOCAL schemakit.timestamps_touch = off');
    await tx.nativeUpdate(User, 2, { name: 'Robert' });
  });
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await em.nativeUpdate(User, 2, { updatedAt: new Date('2011-01-01') });
  equal((await em.fork().findOneOrFail(User, 2)).updatedAt.getFullYear(), 2011, 'a time that is set is kept');
  await makeOld('users');

  await orm.em.fork().nativeDelete(Order, { id: 3 });
  await actAs(orm, 'bob@example.com', (tx) => deleteUser(tx, 1));
  equal(await orm.em.fork().nativeDelete(User, { id: 1 }), 0, 'what is deleted is not deleted twice');
  equal(await orm.em.fork().nativeDelete(User, { id: 2 }), 1, 'nativeDelete() counts');
  equal(await ids(orm.em, User), [3], 'deleted rows are not seen');
  equal(await ids(orm.em, Order), [2, 5], 'nor is what cascades');
  equal(await tables.em.fork().count(User), 3, 'nothing is lost');
  equal(await changed('users'), [1, 2], 'updated_at has advanced');
  await actAs(orm, 'cleo@example.com', (tx) => restoreUser(tx, 1));
  equal(await ids(orm.em, User), [1, 3], 'it is back');
  const order = await orm.em.fork().findOneOrFail(Order, 2, { populate: ['user'] });
  equal([order.user.id, order.user.email], [3, 'user3@example.com'], 'populate goes through the views');
  await orm.em.fork().insert(Invoice, { order: 2 });
  const error = await rejected(orm.em.fork().nativeDelete(User, { id: 3 }));
  ok(['23503', '23001'].includes(error && error.code), 'a live invoice prevents it');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'nobody U 2', 'nobody U 2',
    'bob@example.com deleted 1', 'nobody deleted 2', 'cleo@example.com restored 1',
  ], 'the audit log knows who did it');

  await tables.em.execute('ALTER TABLE users ADD age int');
  ok('age' in (await orm.em.execute('SELECT * FROM users LIMIT 1'))[0], 'the view follows a new column');
  await tables.schema.update();
  ok(!('age' in (await orm.em.execute('SELECT * FROM users LIMIT 1'))[0]), 'and one that the schema generator drops');
  equal(await tables.schema.getUpdateSchemaSQL(), '', 'and there is no drift again');
  await Promise.all([orm.close(), tables.close()]);
});
