// TypeORM's @DeleteDateColumn (here in an EntitySchema): it writes the time
// itself, and the table's triggers see to the rest.
const { ok, equal, rejected, audited, makeOld, changed, run } = require('../checks');
const { User, Order, Invoice, actor, database, actAs, deleteUser, restoreUser } = require('./app');

const drift = async () => (await database.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query);
const columns = async () => Object.keys((await database.query('SELECT * FROM users_live LIMIT 1'))[0]).join();

run(async () => {
  await database.initialize();
  await database.runMigrations();
  for (let i = 0; i < 3; i += 1) await database.undoLastMigration();
  equal((await database.runMigrations()).map((m) => m.name), ['Schemakit1767225600000', 'Shop1767225600001', 'Rules1767225600002'], 'migrations up, down and up');
  equal(await drift(), [], 'migration:generate finds no drift');

  await actAs('ann@example.com', async (manager) => {
    await manager.insert(User, [1, 2, 3].map((id) => ({ email: `user${id}@example.com` })));
    await manager.insert(Order, [1, 2, 3, 4, 5, 6].map((id) => ({ id, user: { id: 1 + (id % 3) } })));
  });
  await makeOld('users');
  const users = database.getRepository('User');
  const orders = database.getRepository('Order');
  const bob = await users.findOneBy({ id: 2 });
  await actor.run('bob@example.com', () => users.save({ ...bob, name: 'Bob' }));
  await database.query("UPDATE users SET name = 'Cleo' WHERE id = 3");
  equal(await changed('users'), [2, 3], 'updated_at has advanced');

  await makeOld('users');
  await users.update(2, { name: 'Rob', updatedAt: () => 'updated_at' });
  equal(await changed('users'), [2], 'the old time is no time that is set');
  await makeOld('users');
  await database.transaction(async (manager) => {
    await manager.query('SET LOCAL schemakit.timestamps_touch = off');
    await manager.update(User, 2, { name: 'Bob', updatedAt: () => 'updated_at' });
  });
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await users.update(2, { updatedAt: new Date('2011-01-01') });
  equal((await users.findOneBy({ id: 2 })).updatedAt.getFullYear(), 2011, 'a time that is set is kept');
  const cleo = await users.save({ ...await users.findOneBy({ id: 3 }), name: 'Cleopatra' });
  equal(cleo.updatedAt.getTime(), (await users.findOneBy({ id: 3 })).updatedAt.getTime(), 'save() reads the time back');


  equal((await orders.softDelete(3)).affected, 1, 'softDelete() counts');
  equal((await actAs('bob@example.com', (manager) => deleteUser(manager, 1))).affected, 1, 'as does that of users');
  equal((await users.createQueryBuilder().softDelete().where('id = 1 AND deleted_at IS NULL').execute()).affected, 0, 'and does not count twice');
  equal((await users.find({ order: { id: 'ASC' } })).map((o) => o.id), [2, 3], 'deleted rows are not seen');
  equal((await orders.find({ order: { id: 'ASC' } })).map((o) => o.id), [1, 2, 4, 5], 'nor is what cascades in the database');
  equal(await users.count({ withDeleted: true }), 3, 'nothing is lost');
  equal(await changed('users'), [1, 2, 3], 'updated_at has advanced');
  equal((await actAs('cleo@example.com', (manager) => restoreUser(manager, 1))).affected, 1, 'restore()');
  equal((await users.find({ order: { id: 'ASC' } })).map((o) => o.id), [1, 2, 3], 'it is back');
  equal((await orders.find({ order: { id: 'ASC' } })).map((o) => o.id), [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before');
  equal((await database.createQueryBuilder().softDelete().from('User').where('id = 3').returning('email').execute()).raw, [{ email: 'user3@example.com' }], 'returning()');
  await users.restore(3);
  await actor.run('dan@example.com', async () => users.softRemove(await users.findOneBy({ id: 3 })));
  await users.restore(3);
  equal(await database.query('DELETE FROM users_live WHERE id = 3 RETURNING id'), [[{ id: 3 }], 1], 'the view can be used, too');
  await users.restore(3);
  await database.getRepository(Invoice).insert({ id: 1, order: { id: 1 } });
  const error = await rejected(users.softDelete(2));
  ok(['23503', '23001'].includes(error && error.driverError.code), 'a live invoice prevents it');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'bob@example.com U 2', 'nobody U 3', 'nobody U 2', 'nobody U 2', 'nobody U 3',
    'bob@example.com deleted 1', 'cleo@example.com restored 1', 'nobody deleted 3', 'nobody restored 3',
    'dan@example.com deleted 3', 'nobody restored 3', 'nobody deleted 3', 'nobody restored 3',
  ], 'the audit log knows who did it');
  equal((await audited('orders')).slice(6, 9), ['nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6'], 'also of what cascades');

  await database.query('ALTER TABLE users ADD age int');
  equal(await columns(), 'id,email,name,updated_at,deleted_at,age', 'the view follows a new column');
  await database.synchronize();
  equal(await columns(), 'id,email,name,updated_at,deleted_at', 'and one that the schema builder drops');
  equal(await drift(), [], 'and there is no drift again');
  await database.destroy();
});
