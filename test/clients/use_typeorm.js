// TypeORM's @DeleteDateColumn (here in an EntitySchema): it writes the time
// itself, and the table's triggers see to the rest.
require('reflect-metadata');
const { DataSource, EntitySchema } = require('typeorm');
const { ok, equal, rejected, run } = require('./check');

function schema(columns) {
  const time = { type: 'timestamptz' };
  return [
    new EntitySchema({
      name: 'User', tableName: 'users',
      columns: {
        id: { type: 'int', primary: true }, email: { type: 'text', unique: true },
        updatedAt: { ...time, updateDate: true, name: 'updated_at' },
        deletedAt: { ...time, deleteDate: true, nullable: true, name: 'deleted_at' }, ...columns,
      },
    }),
    new EntitySchema({
      name: 'Order', tableName: 'orders',
      columns: { id: { type: 'int', primary: true }, deletedAt: { ...time, deleteDate: true, nullable: true, name: 'deleted_at' } },
      relations: { user: { type: 'many-to-one', target: 'User', onDelete: 'CASCADE', joinColumn: { name: 'user_id' } } },
    }),
    new EntitySchema({
      name: 'Invoice', tableName: 'invoices',
      columns: { id: { type: 'int', primary: true } },
      relations: { order: { type: 'many-to-one', target: 'Order', onDelete: 'RESTRICT', joinColumn: { name: 'order_id' } } },
    }),
  ];
}

async function connect(columns) {
  return new DataSource({
    type: 'postgres', host: process.env.PGHOST, port: Number(process.env.PGPORT), username: process.env.PGUSER,
    database: process.env.PGDATABASE, entities: schema(columns),
  }).initialize();
}

const drift = async (db) => (await db.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query);

run(async () => {
  let db = await connect({});
  await db.synchronize();
  await db.query("SELECT schemakit.soft_delete_enable('users'), schemakit.soft_delete_enable('orders')");
  equal(await drift(db), [], 'the schema builder finds no drift');

  const users = db.getRepository('User');
  const orders = db.getRepository('Order');
  await users.insert([1, 2, 3].map((id) => ({ id, email: `user${id}@example.com`, updatedAt: '2001-01-01' })));
  await orders.insert([1, 2, 3, 4, 5, 6].map((id) => ({ id, user: { id: 1 + (id % 3) } })));
  equal((await orders.softDelete(3)).affected, 1, 'softDelete() counts');
  await users.softRemove(await users.findOneBy({ id: 1 }));
  equal((await users.createQueryBuilder().softDelete().where('id = 1 AND deleted_at IS NULL').execute()).affected, 0, 'and does not count twice');
  equal(await users.count(), 2, 'count of live rows');
  equal((await orders.find({ order: { id: 'ASC' } })).map((o) => o.id), [1, 2, 4, 5], 'what cascades in the database has gone along');
  equal(await users.count({ withDeleted: true }), 3, 'nothing is lost');
  ok((await users.findOne({ where: { id: 1 }, withDeleted: true })).updatedAt.getFullYear() > 2001, 'updated_at has advanced');
  equal((await db.createQueryBuilder().softDelete().from('User').where('id = 3').returning('email').execute()).raw, [{ email: 'user3@example.com' }], 'returning()');
  await users.restore(3);
  await users.restore(1);
  equal((await orders.find({ order: { id: 'ASC' } })).map((o) => o.id), [1, 2, 4, 5, 6], 'restore(), but for what was deleted before');
  equal((await db.query('DELETE FROM users_live WHERE id = 3 RETURNING id')), [[{ id: 3 }], 1], 'the view can be used, too');
  await users.restore(3);
  await db.getRepository('Invoice').insert({ id: 1, order: { id: 1 } });
  const error = await rejected(users.softDelete(2));
  ok(['23503', '23001'].includes(error && error.driverError.code), 'a live invoice prevents it');
  await db.destroy();

  db = await connect({ age: { type: 'int', nullable: true } });
  await db.synchronize();
  equal(Object.keys((await db.query('SELECT * FROM users_live LIMIT 1'))[0]), ['id', 'email', 'updated_at', 'deleted_at', 'age'], 'the view follows a new column');
  await db.destroy();
  db = await connect({});
  await db.synchronize();
  equal(Object.keys((await db.query('SELECT * FROM users_live LIMIT 1'))[0]), ['id', 'email', 'updated_at', 'deleted_at'], 'and one that goes');
  equal(await drift(db), [], 'and there is no drift again');
  await db.destroy();
});
