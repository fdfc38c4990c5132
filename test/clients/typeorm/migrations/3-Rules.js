module.exports = class Rules1767225600002 {
  async up(queryRunner) {
    for (const table of ['users', 'orders']) {
      await queryRunner.query('SELECT schemakit.audit_enable($1)', [table]);
      await queryRunner.query('SELECT schemakit.soft_delete_enable($1)', [table]);
    }
  }

  async down(queryRunner) {
    for (const table of ['users', 'orders']) {
      await queryRunner.query('SELECT schemakit.soft_delete_disable($1)', [table]);
      await queryRunner.query('SELECT schemakit.audit_disable($1)', [table]);
    }
  }
};
