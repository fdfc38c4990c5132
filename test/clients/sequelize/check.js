// Sequelize's paranoid models write deleted_at themselves: the table's triggers
// see to the rest, as its own "paranoid" does not.
const { execFileSync } = require('child_process');
const { Sequelize, DataTypes } = require('sequelize');
const { ok, equal, rejected, asSuperuser, audited, makeOld, changed, run } = require('../checks');
const { sequelize, User, Order, Invoice, actAs, deleteUser, restoreUser } = require('./app');

// The names of the migrations that the command ran
const migrate = (command) => execFileSync('sequelize-cli', [command, '--config', `${__dirname}/config.js`, '--migrations-path', `${__dirname}/migrations`], { encoding: 'utf8' })
  .match(/(?<=^== )\S+(?=: \w+ed)/gm) || [];

const ids = async (model) => (await model.findAll({ order: ['id'] })).map((row) => row.id);

run(async () => {
  migrate('db:migrate');
  migrate('db:migrate:undo:all');
  equal(migrate('db:migrate'), ['1-schemakit', '2-shop'], 'migrations up, down and up');
  equal(migrate('db:migrate'), [], 'and then none');

  await actAs('ann@example.com', async (transaction) => {
    await User.bulkCreate([1, 2, 3].map((id) => ({ email: `user${id}@example.com` })), { transaction });
    await Order.bulkCreate([1, 2, 3, 4, 5, 6].map((id) => ({ id, userId: 1 + (id % 3) })), { transaction });
  });
  await makeOld('users');
  await actAs('ann@example.com', (transaction) => User.update({ name: 'Bob' }, { where: { id: 2 }, transaction }));
  await sequelize.query("UPDATE users SET name = 'Cleo' WHERE id = 3");
  equal(await changed('users'), [2, 3], 'updated_at has advanced');

  await makeOld('users');
  await User.update({ name: 'Rob' }, { where: { id: 2 }, silent: true });
  equal(await changed('users'), [2], 'also with "silent", which leaves it to the trigger');
  const user = await User.findByPk(3);
  await user.update({ name: 'Cleopatra' }, { silent: true });
  equal(user.updatedAt.getFullYear(), 2001, 'the object has the old time');
  await user.reload();
  ok(user.updatedAt.getFullYear() > 2001, 'until reload()');
  await makeOld('users');
  await sequelize.transaction(async (transaction) => {
    await sequelize.query('SET LOCAL schemakit.timestamps_touch = off', { transaction });
    await User.update({ name: 'Bob' }, { where: { id: 2 }, silent: true, transaction });
  });
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await sequelize.query("UPDATE users SET updated_at = '2011-01-01' WHERE id = 2");
  equal((await User.findByPk(2)).updatedAt.getFullYear(), 2011, 'a time that is set is kept');
  await User.update({ updatedAt: '2012-01-01' }, { where: { id: 2 }, silent: true });
  ok((await User.findByPk(2)).updatedAt.getFullYear() > 2000, 'and Sequelize can set one');
  await asSuperuser("UPDATE users SET updated_at = now() WHERE id IN (2, 3)");


  equal(await Order.destroy({ where: { id: 3 } }), 1, 'destroy() counts');
  // It writes milliseconds: what is deleted in the same one comes back together.
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  equal(await actAs('bob@example.com', (transaction) => deleteUser(1, transaction)), 1, 'as does that of users');
  equal(await User.destroy({ where: { id: 1 } }), 0, 'and does not count twice');
  equal(await ids(User), [2, 3], 'deleted rows are not seen');
  equal(await ids(Order), [1, 2, 4, 5], 'nor is what cascades in the database');
  equal(await User.count({ paranoid: false }), 3, 'nothing is lost');
  equal(await changed('users'), [1, 2, 3], 'updated_at has advanced');
  equal((await sequelize.query('SELECT count(*)::int AS n FROM users_live'))[0][0].n, 2, 'the view agrees');
  await actAs('cleo@example.com', (transaction) => restoreUser(1, transaction));
  equal(await ids(User), [1, 2, 3], 'it is back');
  equal(await ids(Order), [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before');
  ok(/can only be soft-deleted/.test(await rejected(User.destroy({ where: { id: 3 }, force: true }))), 'a real delete is refused');
  const [, deleted] = await sequelize.query('DELETE FROM users_live WHERE id = 3 RETURNING id');
  equal(deleted.rowCount, 1, 'the view can be used, too');
  await (await User.findByPk(3, { paranoid: false })).restore();
  equal(await ids(User), [1, 2, 3], 'restore() of an object');
  await Invoice.create({ orderId: 1 });
  const error = await rejected(User.destroy({ where: { id: 2 } }));
  ok(error instanceof Sequelize.ForeignKeyConstraintError || error.parent.code === '23001', 'a live invoice prevents it');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', 'ann@example.com U 2', 'nobody U 3', 'nobody U 2', 'nobody U 3', 'nobody U 2',
    'bob@example.com deleted 1', 'cleo@example.com restored 1', 'nobody deleted 3', 'nobody restored 3',
  ], 'the audit log knows who did it');
  equal((await audited('orders')).slice(6, 9), ['nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6'], 'also of what cascades');

  await sequelize.sync({ alter: true });
  const queries = sequelize.getQueryInterface();
  equal(Object.keys(await queries.describeTable('users')), ['id', 'email', 'name', 'created_at', 'updated_at', 'deleted_at'], 'sync({alter: true}) leaves the table as it was');
  await queries.addColumn('users', 'age', DataTypes.INTEGER);
  await queries.changeColumn('users', 'age', { type: DataTypes.TEXT });
  await queries.renameColumn('users', 'age', 'years');
  ok('years' in await queries.describeTable('users_live'), 'the view follows migrations');
  await queries.removeColumn('users', 'years');
  ok(!('years' in await queries.describeTable('users_live')), 'also when a column goes');
  await sequelize.close();
});
