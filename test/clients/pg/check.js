// node-postgres without an ORM: the actor of a transaction, and of a single statement.
const { equal, rejected, audited, run } = require('../checks');
const { pool, withActor, comment } = require('./app');

run(async () => {
  await pool.query('CREATE TABLE users (id int PRIMARY KEY, email text)');
  await pool.query("SELECT schemakit.audit_enable('users')");

  await withActor('ann@example.com', async (client) => {
    await client.query('INSERT INTO users VALUES ($1, $2)', [1, 'user1@example.com']);
    await client.query('INSERT INTO users VALUES ($1, $2)', [2, 'user2@example.com']);
  });
  await pool.query('INSERT INTO users VALUES (3)');
  const error = await rejected(withActor('bob@example.com', async (client) => {
    await client.query('DELETE FROM users');
    throw new Error('no');
  }));
  equal(error && error.message, 'no', 'the error of the work');
  await pool.query(`UPDATE users SET email = $1 WHERE id = 1${comment("dan o'hara 100% *//*")}`, ['100%']);

  const client = await pool.connect();
  const notices = [];
  client.on('notice', (notice) => notices.push(notice.severity));
  await client.query("SELECT schemakit.audit_set_actor('eve@example.com')");
  await client.query('DELETE FROM users WHERE id = 2');
  client.release();
  equal(notices, ['WARNING'], 'a WARNING outside of a transaction, for listeners only');
  equal(await withActor('cleo@example.com', async (c) => (await c.query('DELETE FROM users WHERE id = 1')).rowCount), 1, 'the result of the work');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'nobody I 3', "dan o'hara 100% *//* U 1",
    'nobody D 2', 'cleo@example.com D 1',
  ], 'the audit log knows who did it');
  equal((await pool.query('SELECT id FROM users')).rows, [{ id: 3 }], 'what fails is rolled back');
  await pool.end();
});
