module.exports = {
  up: (queryInterface) =>
    queryInterface.sequelize.query('CREATE EXTENSION IF NOT EXISTS schemakit'),

  // The extension and its audit log stay: they belong to the superuser.
  down: async () => {},
};
