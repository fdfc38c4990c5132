exports.up = (knex) => knex.raw('CREATE EXTENSION IF NOT EXISTS schemakit');

// The extension and its audit log stay: they belong to the superuser.
exports.down = async () => {};
