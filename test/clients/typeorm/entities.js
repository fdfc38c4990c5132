const { EntitySchema } = require('typeorm');

const id = { type: 'int', primary: true, generated: true };
const updatedAt = { type: 'timestamptz', name: 'updated_at', updateDate: true };
const deletedAt = { type: 'timestamptz', name: 'deleted_at', deleteDate: true };

const User = new EntitySchema({
  name: 'User',
  tableName: 'users',
  columns: {
    id,
    email: { type: 'text', unique: true },
    name: { type: 'text', nullable: true },
    updatedAt,
    deletedAt,
  },
});

const Order = new EntitySchema({
  name: 'Order',
  tableName: 'orders',
  columns: { id, updatedAt, deletedAt },
  relations: {
    user: {
      type: 'many-to-one',
      target: 'User',
      onDelete: 'CASCADE',
      joinColumn: { name: 'user_id' },
    },
  },
});

const Invoice = new EntitySchema({
  name: 'Invoice',
  tableName: 'invoices',
  columns: { id },
  relations: {
    order: {
      type: 'many-to-one',
      target: 'Order',
      onDelete: 'RESTRICT',
      joinColumn: { name: 'order_id' },
    },
  },
});

module.exports = { User, Order, Invoice };
