// What Knex tells of tables, which is all that it asks the database for.
const knex = require('knex');
const { createTables, write, look } = require('../looks');

look(async () => {
  await createTables();
  const db = knex({ client: 'pg', connection: process.env.DATABASE_URL });
  for (const table of ['users', 'orders', 'totals']) write(`columnInfo/${table}.json`, await db(table).columnInfo());
  const names = ['users', 'totals', 'users_live', 'auto_rule', 'audit_event', 'audit_log'];
  write('hasTable.json', await Promise.all(names.map((name) => db.schema.hasTable(name))));
  write('hasColumn.json', await Promise.all(names.map((name) => db.schema.hasColumn(name, 'deleted_at'))));
  await db.schema.alterTable('users', (table) => {
    table.text('age');
    table.dropColumn('name');
  });
  write('altered.json', await db('users').columnInfo());
  await db.destroy();
});
