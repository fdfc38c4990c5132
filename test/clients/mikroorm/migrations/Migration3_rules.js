const { Migration } = require('@mikro-orm/migrations');

exports.Migration3 = class Migration3 extends Migration {
  up() {
    this.addSql('CREATE SCHEMA live');
    for (const table of ['users', 'orders']) {
      this.addSql(`SELECT schemakit.audit_enable('${table}')`);
      this.addSql(`SELECT schemakit.soft_delete_enable('${table}',
        view_schema => 'live')`);
    }
  }

  down() {
    for (const table of ['users', 'orders']) {
      this.addSql(`SELECT schemakit.soft_delete_disable('${table}')`);
      this.addSql(`SELECT schemakit.audit_disable('${table}')`);
    }
    this.addSql('DROP SCHEMA live');
  }
};
