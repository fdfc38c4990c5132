// What Knex sees in the database, which it asks for its migrations.
const { writeFileSync } = require('fs');
const knex = require('knex');

const db = knex({ client: 'pg', connection: process.env.DATABASE_URL });
const write = (name, value) => writeFileSync(`${process.env.OUT}/${name}`, `${JSON.stringify(value, null, 1)}\n`);

async function main() {
  await db.schema.createTable('users', (table) => {
    table.increments();
    table.text('email').notNullable().unique();
    table.timestamps(true, true);
    table.timestamp('deleted_at');
  });
  await db.schema.createTable('orders', (table) => {
    table.increments();
    table.integer('user_id').references('users.id').onDelete('CASCADE');
    table.timestamp('deleted_at');
  });
  for (const table of ['users', 'orders']) write(`${table}.json`, await db(table).columnInfo());
  const names = ['auto_rule', 'audit_event', 'audit_log', 'users_live', 'orders_live'];
  write('hasTable.json', await Promise.all(names.map((name) => db.schema.hasTable(name))));
}

main().finally(() => db.destroy());
