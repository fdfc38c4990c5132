module.exports = class Schemakit1767225600000 {
  async up(queryRunner) {
    await queryRunner.query('CREATE EXTENSION IF NOT EXISTS schemakit');
  }

  // The extension and its audit log stay: they belong to the superuser.
  async down() {}
};
