// What drizzle-kit pulls, what it pushes, and what it says.
const { spawnSync } = require('child_process');
const { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('fs');
const { join } = require('path');
const { Client } = require('pg');
const { createTables, write, look } = require('../looks');

const here = join(process.env.NODE_PATH, '../drizzle');
const config = (schema) => writeFileSync(join(here, 'drizzle.config.js'), `module.exports = ${JSON.stringify({
  dialect: 'postgresql', schema, out: './pulled', dbCredentials: { url: process.env.DATABASE_URL } })};\n`);

// What drizzle-kit says, but for how it draws a wheel that turns meanwhile
function kit(...args) {
  const { stdout, stderr, status } = spawnSync('drizzle-kit', args, { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = stdout.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '').split('\n').filter((line) => line.trim() && !/^\[[\u2800-\u28ff]\]/.test(line));
  return `${lines.join('\n')}\n${stderr}status ${status}\n`;
}

look(async () => {
  rmSync(here, { recursive: true, force: true });
  mkdirSync(here);
  config(join(__dirname, 'schema.js'));
  write('push.txt', kit('push', '--verbose'));
  write('push-again.txt', kit('push', '--verbose'));
  write('push-force.txt', kit('push', '--verbose', '--force'));

  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  await client.query('DROP TABLE users, orders, invoices');
  await client.end();
  await createTables();
  const pulled = kit('pull');
  if (!pulled.endsWith('status 0\n')) throw new Error(pulled);
  for (const file of readdirSync(join(here, 'pulled'))) {
    if (/\.ts$/.test(file)) write(file, readFileSync(join(here, 'pulled', file), 'utf8'));
    if (/\.sql$/.test(file)) write('pulled.sql', readFileSync(join(here, 'pulled', file), 'utf8'));
  }
  config('./pulled/schema.ts');
  write('generate.txt', kit('generate'));
  write('push-pulled.txt', kit('push', '--verbose'));
});
