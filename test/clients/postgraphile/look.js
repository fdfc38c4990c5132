// The GraphQL schema that PostGraphile makes of the schema "public", as its version 5
// does, and as version 4 did.
const { makeSchema } = require('postgraphile');
const { makePgService } = require('postgraphile/adaptors/pg');
const { PostGraphileAmberPreset } = require('postgraphile/presets/amber');
const { makeV4Preset } = require('postgraphile/presets/v4');
const { printSchema } = require('postgraphile/graphql');
const { createTables, write, look } = require('../looks');

look(async () => {
  await createTables();
  for (const [name, preset] of [['amber', PostGraphileAmberPreset], ['v4', makeV4Preset({ simpleCollections: 'both' })]]) {
    const pgServices = [makePgService({ connectionString: process.env.DATABASE_URL, schemas: ['public'] })];
    const { schema } = await makeSchema({ extends: [preset], pgServices });
    write(`${name}.graphql`, printSchema(schema));
    await Promise.all(pgServices.map((service) => service.release()));
  }
});
