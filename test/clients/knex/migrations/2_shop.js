exports.up = async (knex) => {
  await knex.schema.createTable('users', (table) => {
    table.increments();
    table.text('email').notNullable().unique();
    table.text('name');
    table.timestamps(true, true);
  });
  await knex.schema.createTable('orders', (table) => {
    table.increments();
    table.integer('user_id').references('users.id').onDelete('CASCADE');
    table.timestamps(true, true);
  });
  await knex.schema.createTable('invoices', (table) => {
    table.increments();
    table.integer('order_id').references('orders.id').onDelete('RESTRICT');
  });

  await knex.raw('CREATE SCHEMA live');
  for (const table of ['users', 'orders']) {
    await knex.raw('SELECT schemakit.audit_enable(?)', [table]);
    await knex.raw('SELECT schemakit.soft_delete_enable(?, view_name => ?)',
      [table, `live.${table}`]);
  }
};

exports.down = async (knex) => {
  for (const table of ['invoices', 'orders', 'users']) {
    await knex.schema.dropTable(table);
  }
  await knex.raw('DROP SCHEMA live');
};
