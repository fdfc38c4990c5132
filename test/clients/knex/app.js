// Knex with schemakit: who acts, and deletes that can be undone.  The
// migrations are in migrations/.
const knex = require('knex');

// The views of live rows are in the schema "live", under their tables' names.
const db = knex({
  client: 'pg',
  connection: process.env.DATABASE_URL,
  searchPath: ['live', 'public'],
});

// Migrations see the tables only.
const migrations = knex({
  client: 'pg',
  connection: process.env.DATABASE_URL,
  migrations: { directory: `${__dirname}/migrations` },
});

// Does the work in a transaction in which "actor" acts.
function actAs(actor, work) {
  return db.transaction(async (trx) => {
    await trx.raw('SELECT schemakit.audit_set_actor(?)', [actor]);
    return work(trx);
  });
}

// del() goes through the view, and gives the row the time of its deletion.
function deleteUser(trx, id) {
  return trx('users').where({ id }).del();
}

// Only the table itself has the deleted rows.
function restoreUser(trx, id) {
  return trx('users').withSchema('public').where({ id })
    .update({ deleted_at: null });
}

module.exports = { db, migrations, actAs, deleteUser, restoreUser };
