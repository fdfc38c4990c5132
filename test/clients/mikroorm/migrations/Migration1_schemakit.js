const { Migration } = require('@mikro-orm/migrations');

exports.Migration1 = class Migration1 extends Migration {
  up() {
    this.addSql('CREATE EXTENSION IF NOT EXISTS schemakit');
  }

  // The extension and its audit log stay: they belong to the superuser.
  down() {}
};
