// What stands in for the commands "prisma migrate deploy", "migrate reset",
// "migrate diff", "db push" and "db pull": the command line downloads its schema engine as a program from a
// server of Prisma's, which a test should not need.  npm has the same engine as
// WebAssembly, and this does with it what the command line does.
import { readFileSync, readdirSync } from 'fs';
import { createRequire } from 'module';
import { dirname, join } from 'path';
import { fileURLToPath } from 'url';

const require = createRequire(import.meta.url);
const pg = require('pg');
const { PrismaPg } = require('@prisma/adapter-pg');
const { bindMigrationAwareSqlAdapterFactory } = require('@prisma/driver-adapter-utils');

const here = dirname(fileURLToPath(import.meta.url));
const filters = { externalTables: [], externalEnums: [] };
const read = (...names) => readFileSync(join(here, ...names), 'utf8');
const schema = [{ path: 'schema.prisma', content: read('schema.prisma') }];

// The adapter does not know the types name and "char" of the catalogs: they are
// read as text (https://github.com/prisma/prisma/issues/27403).
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function queryWithText(config, values, done) {
  return query.call(this, config, values, done && ((error, rows) => {
    for (const field of rows?.fields ?? []) if ([18, 19].includes(field.dataTypeID)) field.dataTypeID = 25;
    done(error, rows);
  }));
};

async function open() {
  const engine = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const file = join(dirname(require.resolve('@prisma/schema-engine-wasm')), 'schema_engine_bg.wasm');
  const { instance } = await WebAssembly.instantiate(readFileSync(file), { './schema_engine_bg.js': engine });
  engine.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL });
  return engine.SchemaEngine.new({ datamodels: schema.map(({ path, content }) => [path, content]) }, () => {}, bindMigrationAwareSqlAdapterFactory(adapter));
}

const migrations = {
  baseDir: 'migrations',
  lockfile: { path: 'migration_lock.toml', content: read('migrations', 'migration_lock.toml') },
  shadowDbInitScript: '',
  migrationDirectories: readdirSync(join(here, 'migrations')).filter((name) => !name.includes('.')).sort().map((path) => (
    { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: read('migrations', path, 'migration.sql') } } })),
};

const engine = await open();
const header = `generator client {
  provider        = "prisma-client-js"
  previewFeatures = ["partialIndexes", "views"]
}

datasource db {
  provider = "postgresql"
}
`;
const database = { files: [{ path: 'schema.prisma', content: header }] };
export const deploy = async () => (await engine.applyMigrations({ migrationsList: migrations, filters })).appliedMigrationNames;
export const reset = () => engine.reset({ filter: filters });
export const push = () => engine.schemaPush({ schema: { files: schema }, force: true, filters });
export const pull = () => engine.introspect({ schema: database, baseDirectoryPath: here, force: true, compositeTypeDepth: -1, namespaces: null });
// SQL that leads from the database to models, or back
export async function diff(files, back) {
  const targets = [{ tag: 'schemaDatasource', files: database.files, configDir: here }, { tag: 'schemaDatamodel', files }];
  const [from, to] = back ? targets.reverse() : targets;
  return (await engine.diff({ from, to, script: true, exitCode: null, filters })).stdout;
}
