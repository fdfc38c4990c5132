// The migrations that MikroORM generates for its entities, and the entities that it
// generates for tables, with the options that the manual advises; and what a
// migration would do without them.
const { mkdtempSync, readFileSync, rmSync } = require('fs');
const { tmpdir } = require('os');
const { join } = require('path');
const { EntityGenerator } = require('@mikro-orm/entity-generator');
const { Migrator } = require('@mikro-orm/migrations');
const { MikroORM, defineEntity, p } = require('@mikro-orm/postgresql');
const { User, Order, Invoice } = require('./entities');
const Generator = require('./generator');
const { createTables, write, look } = require('../looks');

const path = mkdtempSync(join(tmpdir(), 'mikroorm-'));
const open = (options) => MikroORM.init({
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, dbName: process.env.PGDATABASE, entities: [User, Order, Invoice], extensions: [Migrator, EntityGenerator],
  migrations: { path, generator: Generator },
  schemaGenerator: { ignoreTriggers: true, ignoreSchema: ['live'] }, ...options,
});

look(async () => {
  const orm = await open();
  const create = async (name, ...args) => {
    const { diff, fileName } = await orm.migrator.create(undefined, ...args);
    write(name, fileName ? readFileSync(join(path, fileName), 'utf8').replace(/Migration\d+/g, 'Migration') : diff.up);
    if (fileName && name !== 'initial.js') rmSync(join(path, fileName));
  };
  write('create.sql', await orm.schema.getCreateSchemaSQL());
  await create('blank.js', true);
  await create('initial.js', false, true);
  await orm.migrator.up();
  write('none.sql', await orm.schema.getUpdateSchemaSQL());
  await create('none.js');
  const careless = await open({ schemaGenerator: {} });
  write('careless.sql', await careless.schema.getUpdateSchemaSQL());
  await careless.close();
  await orm.em.execute('ALTER TABLE users ADD age int, DROP name');
  write('changed.sql', await orm.schema.getUpdateSchemaSQL());
  await orm.em.execute('ALTER TABLE users DROP age, ADD name text');
  orm.discoverEntity(defineEntity({ name: 'Note', tableName: 'notes', properties: { id: p.integer().primary(), deletedAt: p.datetime().nullable() } }));
  await create('changed.js');
  write('drop.sql', await orm.schema.getDropSchemaSQL());
  await orm.schema.drop();
  await createTables();
  await orm.close();

  const empty = await open({ entities: [], discovery: { warnWhenNoEntities: false } });
  write('entities.ts', `${(await empty.entityGenerator.generate({ entityDefinition: 'defineEntity', schema: 'public' })).join('\n')}\n`);
  await empty.close();
  rmSync(path, { recursive: true });
});
