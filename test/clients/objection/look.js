// What Objection tells of tables, on Knex.
const knex = require('knex');
const { Model } = require('objection');
const { createTables, write, look } = require('../looks');

class User extends Model {
  static tableName = 'users';
}

class Order extends Model {
  static tableName = 'orders';

  static relationMappings = { user: { relation: Model.BelongsToOneRelation, modelClass: User, join: { from: 'orders.user_id', to: 'users.id' } } };
}

look(async () => {
  await createTables();
  const db = knex({ client: 'pg', connection: process.env.DATABASE_URL });
  for (const model of [User, Order]) write(`${model.tableName}.json`, await model.fetchTableMetadata({ knex: db }));
  const [order] = await Order.query(db).insertGraph([{ total: 1, user: { email: 'user1@example.com' } }]);
  const { id, email, ...user } = (await Order.query(db).findById(order.id).withGraphFetched('user')).user;
  write('graph.json', { id, email, columns: Object.keys(user) });
  await db.destroy();
});
