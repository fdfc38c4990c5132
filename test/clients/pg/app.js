// node-postgres without an ORM: who acts, in a transaction or in a comment.
const { Pool } = require('pg');

const pool = new Pool({ connectionString: process.env.DATABASE_URL });

// Does the work in a transaction in which "actor" acts.
async function withActor(actor, work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT schemakit.audit_set_actor($1)', [actor]);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

// For the end of a statement: encodeURIComponent() leaves ' as it is.
function comment(actor) {
  const encoded = encodeURIComponent(actor).replace(/'/g, '%27');
  return ` /*actor='${encoded}'*/`;
}

module.exports = { pool, withActor, comment };
