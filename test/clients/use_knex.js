// Knex on the view, and through the overlay; its migrations up, down and up.
const knex = require('knex');
const { ok, equal, rejected, run } = require('./check');

const migrations = {
  first: {
    up: async (db) => {
      await db.schema.createTable('users', (t) => {
        t.increments();
        t.text('email').unique().notNullable();
        t.timestamps(true, true);
        t.timestamp('deleted_at');
      });
      await db.schema.createTable('orders', (t) => {
        t.increments();
        t.integer('user_id').references('users.id').onDelete('CASCADE');
        t.timestamp('deleted_at');
      });
      await db.schema.createTable('invoices', (t) => {
        t.increments();
        t.integer('order_id').references('orders.id').onDelete('RESTRICT');
      });
      await db.raw(`CREATE SCHEMA IF NOT EXISTS live;
        SELECT schemakit.soft_delete_enable('users', view_name => 'live.users'), schemakit.soft_delete_enable('orders', view_name => 'live.orders')`);
    },
    down: async (db) => {
      for (const table of ['invoices', 'orders', 'users']) await db.schema.dropTable(table);
    },
  },
  second: {
    up: async (db) => {
      await db.schema.alterTable('users', (t) => t.integer('age'));
      await db.schema.alterTable('users', (t) => t.text('age').alter());
      await db.schema.alterTable('users', (t) => t.renameColumn('age', 'years'));
    },
    down: (db) => db.schema.alterTable('users', (t) => t.dropColumn('years')),
  },
};
const migrationSource = {
  getMigrations: async () => Object.keys(migrations),
  getMigrationName: (name) => name,
  getMigration: async (name) => migrations[name],
};

run(async () => {
  const connection = { database: process.env.PGDATABASE, host: process.env.PGHOST, port: process.env.PGPORT, user: process.env.PGUSER };
  const admin = knex({ client: 'pg', connection, migrations: { migrationSource } });
  const db = knex({ client: 'pg', connection, searchPath: ['live', 'public'] });

  await admin.migrate.latest();
  await admin.migrate.rollback(undefined, true);
  equal((await admin.migrate.latest())[1], ['first', 'second'], 'migrations up, down and up');
  equal((await admin.migrate.latest())[1], [], 'and then none');
  ok('years' in await db('users').columnInfo(), 'the view follows them');

  await db('users').insert([1, 2, 3].map((id) => ({ id, email: `user${id}@example.com`, updated_at: '2001-01-01' })));
  await db('orders').insert([1, 2, 3, 4, 5, 6].map((id) => ({ id, user_id: 1 + (id % 3) })));
  await db('orders').where({ id: 3 }).del();
  equal(await db('users').where({ id: 1 }).del(), 1, 'del() counts');
  equal(await db('users').where({ id: 1 }).del(), 0, 'and does not count twice');
  equal(await db('users').where({ id: 2 }).del().returning('email'), [{ email: 'user2@example.com' }], 'returning()');
  equal(Number((await db('users').count())[0].count), 1, 'count of live rows');
  equal(await db('orders').pluck('id').orderBy('id'), [2, 5], 'what cascades has gone along');
  equal(Number((await admin('users').count())[0].count), 3, 'nothing is lost');
  ok((await admin('users').where({ id: 1 }).first()).updated_at.getFullYear() > 2001, 'updated_at has advanced');
  equal(await admin('users').where({ id: 1 }).update({ deleted_at: null }), 1, 'restore');
  equal(await db('orders').pluck('id').orderBy('id'), [2, 5, 6], 'restored, but for what was deleted before');
  await db('invoices').insert({ id: 1, order_id: 2 });
  const error = await rejected(db('users').where({ id: 3 }).del());
  ok(['23503', '23001'].includes(error && error.code), 'a live invoice prevents it');
  equal(error.constraint, 'invoices_order_id_foreign', 'the error names the constraint');
  await Promise.all([admin.destroy(), db.destroy()]);
});
