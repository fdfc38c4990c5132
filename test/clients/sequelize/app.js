// Sequelize with schemakit: who acts, and deletes that can be undone.  The
// migrations are in migrations/.
const { Sequelize, DataTypes } = require('sequelize');

const sequelize = new Sequelize(process.env.DATABASE_URL, {
  logging: false,
  define: { paranoid: true, underscored: true },
});

const User = sequelize.define('user', {
  email: { type: DataTypes.TEXT, unique: true, allowNull: false },
  name: DataTypes.TEXT,
});
const Order = sequelize.define('order', {});
const Invoice = sequelize.define('invoice', {}, { paranoid: false });
User.hasMany(Order, { onDelete: 'CASCADE' });
Order.belongsTo(User);
Order.hasMany(Invoice, { onDelete: 'RESTRICT' });
Invoice.belongsTo(Order);

// Does the work in a transaction in which "actor" acts.
function actAs(actor, work) {
  return sequelize.transaction(async (transaction) => {
    await sequelize.query('SELECT schemakit.audit_set_actor($actor)',
      { bind: { actor }, transaction });
    return work(transaction);
  });
}

// Sequelize itself writes deleted_at, since the model is paranoid.
function deleteUser(id, transaction) {
  return User.destroy({ where: { id }, transaction });
}

function restoreUser(id, transaction) {
  return User.restore({ where: { id }, transaction });
}

module.exports = {
  sequelize, User, Order, Invoice, actAs, deleteUser, restoreUser,
};
