// What Kysely and kysely-codegen see, which read the catalogs.
const { execFileSync } = require('child_process');
const { Kysely, PostgresDialect } = require('kysely');
const { Pool } = require('pg');
const { createTables, write, look } = require('../looks');

const codegen = (...args) => execFileSync('kysely-codegen', ['--dialect', 'postgres', '--url', process.env.DATABASE_URL, '--print', ...args], { encoding: 'utf8' });

look(async () => {
  await createTables();
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) }) });
  // the tables of all schemas that the role may use
  const tables = (await db.introspection.getTables()).filter(({ schema }) => schema !== 'schemakit');
  write('tables.json', tables.map((table) => `${JSON.stringify(table)}\n`).join(''));
  await db.destroy();
  write('public.ts', codegen('--include-pattern', 'public.*'));
  write('all.ts', codegen('--exclude-pattern', 'schemakit.*'));
});
