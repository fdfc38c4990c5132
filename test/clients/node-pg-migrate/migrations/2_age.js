exports.up = (pgm) => {
  pgm.addColumn('users', { age: 'integer' });
  pgm.alterColumn('users', 'age', { type: 'text' });
  pgm.renameColumn('users', 'age', 'years');
  pgm.renameTable('orders', 'purchases');
};

exports.down = (pgm) => {
  pgm.renameTable('purchases', 'orders');
  pgm.dropColumn('users', 'years');
};
