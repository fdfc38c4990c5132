// Sequelize's paranoid models write deleted_at themselves: the table's triggers
// see to the rest, as its own "paranoid" does not.
const { Sequelize, DataTypes } = require('sequelize');
const { ok, equal, rejected, run } = require('./check');

run(async () => {
  const log = [];
  const sequelize = new Sequelize(process.env.PGDATABASE, process.env.PGUSER, '', {
    dialect: 'postgres', host: process.env.PGHOST, port: process.env.PGPORT, logging: (sql) => log.push(sql),
    define: { paranoid: true, underscored: true },
  });
  const User = sequelize.define('user', { email: { type: DataTypes.TEXT, unique: true, allowNull: false } });
  const Order = sequelize.define('order', {});
  const Invoice = sequelize.define('invoice', {}, { paranoid: false });
  User.hasMany(Order, { onDelete: 'CASCADE' });
  Order.belongsTo(User);
  Order.hasMany(Invoice, { onDelete: 'RESTRICT' });
  Invoice.belongsTo(Order);
  await sequelize.sync();
  await sequelize.query("SELECT schemakit.soft_delete_enable('users'), schemakit.soft_delete_enable('orders')");

  await User.bulkCreate([1, 2, 3].map((id) => ({ id, email: `user${id}@example.com` })));
  await Order.bulkCreate([1, 2, 3, 4, 5, 6].map((id) => ({ id, userId: 1 + (id % 3) })));
  await sequelize.query("ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET updated_at = '2001-01-01'; ALTER TABLE users ENABLE TRIGGER USER");
  equal(await Order.destroy({ where: { id: 3 } }), 1, 'destroy() counts');
  const user = await User.findByPk(1);
  await user.destroy();
  equal(await User.destroy({ where: { id: 1 } }), 0, 'and does not count twice');
  equal(await User.count(), 2, 'count of live rows');
  equal((await Order.findAll({ order: ['id'] })).map((o) => o.id), [1, 2, 4, 5], 'what cascades in the database has gone along');
  equal(await User.count({ paranoid: false }), 3, 'nothing is lost');
  ok((await User.findByPk(1, { paranoid: false })).updatedAt.getFullYear() > 2001, 'updated_at has advanced');
  equal((await sequelize.query('SELECT count(*)::int AS n FROM users_live'))[0][0].n, 2, 'the view agrees');
  await user.restore();
  equal((await Order.findAll({ order: ['id'] })).map((o) => o.id), [1, 2, 4, 5, 6], 'restore(), but for what was deleted before');
  const [, deleted] = await sequelize.query('DELETE FROM users_live WHERE id = 3 RETURNING id');
  equal(deleted.rowCount, 1, 'the view can be used, too');
  await User.restore({ where: { id: 3 } });
  await Invoice.create({ orderId: 1 });
  const error = await rejected(User.destroy({ where: { id: 2 } }));
  ok(error instanceof Sequelize.ForeignKeyConstraintError || error.parent.code === '23001', 'a live invoice prevents it');

  log.length = 0;
  await sequelize.sync({ alter: true });
  const tables = await sequelize.getQueryInterface().describeTable('users');
  equal(Object.keys(tables), ['id', 'email', 'created_at', 'updated_at', 'deleted_at'], 'sync({alter: true}) leaves the table as it was');
  const queries = sequelize.getQueryInterface();
  await queries.addColumn('users', 'age', DataTypes.INTEGER);
  await queries.changeColumn('users', 'age', { type: DataTypes.TEXT });
  await queries.renameColumn('users', 'age', 'years');
  ok('years' in await queries.describeTable('users_live'), 'the view follows migrations');
  await queries.removeColumn('users', 'years');
  ok(!('years' in await queries.describeTable('users_live')), 'also when a column goes');
  await sequelize.close();
});
