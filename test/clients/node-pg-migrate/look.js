// node-pg-migrate's migrations up, down and up, and what it says of them.
const { runner } = require('node-pg-migrate');
const { Client } = require('pg');
const { write, look } = require('../looks');

look(async () => {
  const said = [];
  const log = (line) => said.push(line);
  const logger = { debug: log, info: log, warn: log, error: log };
  const migrate = async (direction, count) => (await runner({
    databaseUrl: process.env.DATABASE_URL, dir: `${__dirname}/migrations`, migrationsTable: 'pgmigrations', direction, count, verbose: false, logger,
  })).map(({ name }) => name);

  write('up.json', await migrate('up'));
  write('down.json', await migrate('down', Infinity));
  write('up-again.json', await migrate('up'));
  write('none.json', await migrate('up'));
  write('said.txt', `${said.join('\n')}\n`);

  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  write('pgmigrations.json', (await client.query('SELECT id, name FROM pgmigrations ORDER BY id')).rows);
  await client.end();
});
