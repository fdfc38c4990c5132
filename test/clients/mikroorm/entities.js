const { defineEntity, p } = require('@mikro-orm/core');

const updatedAt = p.datetime().defaultRaw('now()');
const deletedAt = p.datetime().nullable();

const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.integer().primary().autoincrement(),
    email: p.text().unique(),
    name: p.text().nullable(),
    updatedAt,
    deletedAt,
  },
});

const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: {
    id: p.integer().primary().autoincrement(),
    user: () => p.manyToOne(User).nullable().deleteRule('cascade'),
    updatedAt,
    deletedAt,
  },
});

const Invoice = defineEntity({
  name: 'Invoice',
  tableName: 'invoices',
  properties: {
    id: p.integer().primary().autoincrement(),
    order: () => p.manyToOne(Order).nullable().deleteRule('restrict'),
  },
});

module.exports = { User, Order, Invoice };
