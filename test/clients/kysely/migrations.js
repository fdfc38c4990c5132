const { sql } = require('kysely');

const time = (column) => column.notNull().defaultTo(sql`now()`);

exports['1_schemakit'] = {
  up: (db) => sql`CREATE EXTENSION IF NOT EXISTS schemakit`.execute(db),

  // The extension and its audit log stay: they belong to the superuser.
  down: async () => {},
};

exports['2_shop'] = {
  up: async (db) => {
    await db.schema.createTable('users')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('email', 'text', (column) => column.notNull().unique())
      .addColumn('name', 'text')
      .addColumn('updated_at', 'timestamptz', time)
      .execute();
    await db.schema.createTable('orders')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('user_id', 'integer',
        (column) => column.references('users.id').onDelete('cascade'))
      .addColumn('updated_at', 'timestamptz', time)
      .execute();
    await db.schema.createTable('invoices')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('order_id', 'integer',
        (column) => column.references('orders.id').onDelete('restrict'))
      .execute();

    await db.schema.createSchema('live').execute();
    for (const table of ['users', 'orders']) {
      await sql`SELECT schemakit.audit_enable(${table})`.execute(db);
      await sql`SELECT schemakit.soft_delete_enable(${table},
        view_schema => 'live')`.execute(db);
    }
  },

  down: async (db) => {
    for (const table of ['invoices', 'orders', 'users']) {
      await db.schema.dropTable(table).execute();
    }
    await db.schema.dropSchema('live').execute();
  },
};

// The views of live rows follow changes of the tables' columns.
exports['3_age'] = {
  up: async (db) => {
    await db.schema.alterTable('users').addColumn('age', 'integer').execute();
    await db.schema.alterTable('users')
      .alterColumn('age', (column) => column.setDataType('text')).execute();
    await db.schema.alterTable('users').renameColumn('age', 'years').execute();
  },

  down: (db) =>
    db.schema.alterTable('users').dropColumn('years').execute(),
};
