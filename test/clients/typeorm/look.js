// The migrations that TypeORM generates for the entities: of new tables, of none, and
// of a changed one.
const { DataSource } = require('typeorm');
const { User, Order, Invoice } = require('./entities');
const { write, look } = require('../looks');

look(async () => {
  const database = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, entities: [User, Order, Invoice] });
  await database.initialize();
  const generate = async (name) => {
    const { upQueries, downQueries } = await database.driver.createSchemaBuilder().log();
    write(name, { up: upQueries, down: downQueries });
  };
  await generate('new.json');
  await database.synchronize();
  await generate('none.json');
  await database.query('ALTER TABLE users ADD age int, DROP name');
  await generate('changed.json');
  await database.synchronize();
  await generate('none-again.json');
  await database.destroy();
});
