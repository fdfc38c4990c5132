// The views of live rows follow changes of the tables' columns.
exports.up = async (knex) => {
  await knex.schema.alterTable('users', (table) => table.integer('age'));
  await knex.schema.alterTable('users', (table) => table.text('age').alter());
  await knex.schema.alterTable('users', (table) => {
    table.renameColumn('age', 'years');
  });
};

exports.down = (knex) =>
  knex.schema.alterTable('users', (table) => table.dropColumn('years'));
