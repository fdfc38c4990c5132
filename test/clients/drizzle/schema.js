const { pgTable, integer, serial, text, timestamp } = require('drizzle-orm/pg-core');

const updatedAt = timestamp('updated_at', { withTimezone: true })
  .notNull().defaultNow();
const deletedAt = timestamp('deleted_at', { withTimezone: true });

exports.users = pgTable('users', {
  id: serial().primaryKey(),
  email: text().notNull().unique(),
  name: text(),
  updatedAt,
  deletedAt,
});

exports.orders = pgTable('orders', {
  id: serial().primaryKey(),
  userId: integer('user_id')
    .references(() => exports.users.id, { onDelete: 'cascade' }),
  updatedAt,
  deletedAt,
});

exports.invoices = pgTable('invoices', {
  id: serial().primaryKey(),
  orderId: integer('order_id')
    .references(() => exports.orders.id, { onDelete: 'restrict' }),
});
