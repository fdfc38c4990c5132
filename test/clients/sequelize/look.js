// What Sequelize tells of tables, and the models that sequelize-auto writes.
const { DataTypes, Sequelize } = require('sequelize');
const SequelizeAuto = require('sequelize-auto');
const { createTables, write, look } = require('../looks');

const options = { host: process.env.PGHOST, port: process.env.PGPORT, dialect: 'postgres', logging: false };

look(async () => {
  await createTables();
  const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
  const queries = sequelize.getQueryInterface();
  write('tables.json', await queries.showAllTables());
  for (const table of ['users', 'orders']) {
    write(`${table}/columns.json`, await queries.describeTable(table));
    write(`${table}/indexes.json`, (await queries.showIndex(table)).map(({ name, primary, unique, fields }) => ({ name, primary, unique, fields })));
    write(`${table}/keys.json`, await queries.getForeignKeyReferencesForTable(table));
  }

  // what sync({ alter: true }) does to a table that it finds
  const statements = [];
  sequelize.options.logging = (statement) => statements.push(statement);
  sequelize.define('user', { email: { type: DataTypes.TEXT, allowNull: false }, name: DataTypes.STRING(80), age: DataTypes.INTEGER }, { paranoid: true, underscored: true });
  await sequelize.sync({ alter: true });
  write('alter.sql', `${statements.join('\n')}\n`);
  await sequelize.close();

  const auto = new SequelizeAuto(process.env.PGDATABASE, process.env.PGUSER, null, { ...options, directory: false, noAlias: true, schema: 'public', views: true, singularize: false });
  const { text } = await auto.run();
  for (const [table, model] of Object.entries(text)) write(`models/${table}.js`, model);
});
