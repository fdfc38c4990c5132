// Drizzle with schemakit: who acts, and deletes that can be undone.  The tables
// are in schema.js, and the migrations in migrations/.
const { Pool } = require('pg');
const { drizzle } = require('drizzle-orm/node-postgres');
const { eq, sql } = require('drizzle-orm');
const { users, orders, invoices } = require('./schema');

// The views of live rows are in the schema "live", under their tables' names.
const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  options: '-c search_path=live,public',
});
const db = drizzle(pool);

// Does the work in a transaction in which "actor" acts.
function actAs(actor, work) {
  return db.transaction(async (tx) => {
    await tx.execute(sql`SELECT schemakit.audit_set_actor(${actor})`);
    return work(tx);
  });
}

// delete() goes through the view, and gives the row the time of its deletion.
function deleteUser(tx, id) {
  return tx.delete(users).where(eq(users.id, id));
}

// Only the table itself has the deleted rows.
function restoreUser(tx, id) {
  return tx.execute(
    sql`UPDATE public.users SET deleted_at = NULL WHERE id = ${id}`);
}

module.exports = {
  pool, db, users, orders, invoices, actAs, deleteUser, restoreUser,
};
