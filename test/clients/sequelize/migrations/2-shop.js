module.exports = {
  up: async (queryInterface, { INTEGER, TEXT, DATE, fn }) => {
    const id = { type: INTEGER, primaryKey: true, autoIncrement: true };
    const times = {
      created_at: { type: DATE, allowNull: false, defaultValue: fn('now') },
      updated_at: { type: DATE, allowNull: false, defaultValue: fn('now') },
    };
    await queryInterface.createTable('users', {
      id,
      email: { type: TEXT, allowNull: false, unique: true },
      name: TEXT,
      ...times,
    });
    await queryInterface.createTable('orders', {
      id,
      user_id: { type: INTEGER, references: { model: 'users' }, onDelete: 'CASCADE' },
      ...times,
    });
    await queryInterface.createTable('invoices', {
      id,
      order_id: { type: INTEGER, references: { model: 'orders' }, onDelete: 'RESTRICT' },
      ...times,
    });
    await queryInterface.sequelize.query(`
      SELECT schemakit.audit_enable('users'),
             schemakit.audit_enable('orders'),
             schemakit.soft_delete_enable('users', protect => true),
             schemakit.soft_delete_enable('orders', protect => true)`);
  },

  down: async (queryInterface) => {
    for (const table of ['invoices', 'orders', 'users']) {
      await queryInterface.dropTable(table);
    }
  },
};
