// Kysely with schemakit: who acts, and deletes that can be undone.  The migrations
// are in migrations.js.
const { Kysely, PostgresDialect, sql } = require('kysely');
const { Migrator } = require('kysely/migration');
const { Pool } = require('pg');

const open = (searchPath) => new Kysely({
  dialect: new PostgresDialect({
    pool: new Pool({
      connectionString: process.env.DATABASE_URL,
      options: `-c search_path=${searchPath}`,
    }),
  }),
});

// The views of live rows are in the schema "live", under their tables' names.
const db = open('live,public');

// Migrations see the tables only.
const tables = open('public');
const migrator = new Migrator({
  db: tables,
  provider: { getMigrations: async () => require('./migrations') },
});

// Does the work in a transaction in which "actor" acts.
function actAs(actor, work) {
  return db.transaction().execute(async (trx) => {
    await sql`SELECT schemakit.audit_set_actor(${actor})`.execute(trx);
    return work(trx);
  });
}

// deleteFrom() goes through the view, and gives the row the time of its deletion.
function deleteUser(trx, id) {
  return trx.deleteFrom('users').where('id', '=', id).executeTakeFirst();
}

// Only the table itself has the deleted rows.
function restoreUser(trx, id) {
  return trx.updateTable('public.users').set({ deleted_at: null })
    .where('id', '=', id).executeTakeFirst();
}

module.exports = { db, tables, migrator, actAs, deleteUser, restoreUser };
