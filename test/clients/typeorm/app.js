// TypeORM with schemakit: who acts, and deletes that can be undone.  The
// entities are in entities.js, and the migrations in migrations/.
require('reflect-metadata');
const { AsyncLocalStorage } = require('async_hooks');
const { DataSource, EventSubscriber } = require('typeorm');
const { User, Order, Invoice } = require('./entities');

// Tells the audit log who acts, at the start of each transaction.
const actor = new AsyncLocalStorage();

class ActorSubscriber {
  async afterTransactionStart({ queryRunner }) {
    if (actor.getStore()) {
      await queryRunner.query('SELECT schemakit.audit_set_actor($1)',
        [actor.getStore()]);
    }
  }
}
EventSubscriber()(ActorSubscriber);

const database = new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL,
  entities: [User, Order, Invoice],
  migrations: [`${__dirname}/migrations/*.js`],
  subscribers: [ActorSubscriber],
});

// Does the work in a transaction in which "who" acts.
function actAs(who, work) {
  return actor.run(who, () => database.transaction(work));
}

// TypeORM itself writes deleted_at, since it has a @DeleteDateColumn.
function deleteUser(manager, id) {
  return manager.softDelete(User, id);
}

function restoreUser(manager, id) {
  return manager.restore(User, id);
}

module.exports = {
  User, Order, Invoice, actor, database, actAs, deleteUser, restoreUser,
};
