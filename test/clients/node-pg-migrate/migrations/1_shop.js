exports.up = (pgm) => {
  pgm.createTable('users', {
    id: 'id',
    email: { type: 'text', notNull: true, unique: true },
    updated_at: { type: 'timestamptz', notNull: true, default: pgm.func('now()') },
    deleted_at: 'timestamptz',
  });
  pgm.createTable('orders', {
    id: 'id',
    user_id: { type: 'integer', references: 'users', onDelete: 'CASCADE' },
    deleted_at: 'timestamptz',
  });
  pgm.createIndex('orders', 'user_id', { where: 'deleted_at IS NULL' });
};
