// MikroORM with schemakit: who acts, and deletes that can be undone.  The entities
// are in entities.js, and the migrations in migrations/.
const { AsyncLocalStorage } = require('async_hooks');
const { Migrator } = require('@mikro-orm/migrations');
const { defineConfig, MikroORM } = require('@mikro-orm/postgresql');
const { User, Order, Invoice } = require('./entities');
const Generator = require('./generator');

// Tells the audit log who acts, at the start of each transaction.
const actor = new AsyncLocalStorage();

class ActorSubscriber {
  async afterTransactionStart({ em, transaction }) {
    if (actor.getStore()) {
      await em.getConnection().execute('SELECT schemakit.audit_set_actor(?)',
        [actor.getStore()], 'run', transaction);
    }
  }
}

const config = (searchPath) => defineConfig({
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  user: process.env.PGUSER,
  dbName: process.env.PGDATABASE,
  driverOptions: { options: `-c search_path=${searchPath}` },
  entities: [User, Order, Invoice],
  subscribers: [new ActorSubscriber()],
  extensions: [Migrator],
  migrations: {
    path: `${__dirname}/migrations`,
    snapshot: false,
    generator: Generator,
  },
  // Or it would drop the triggers of schemakit, and the views of live rows.
  schemaGenerator: { ignoreTriggers: true, ignoreSchema: ['live'] },
});

// The views of live rows are in the schema "live", under their tables' names.
const database = () => MikroORM.init(config('live,public'));

// Migrations see the tables only.
const migrations = () => MikroORM.init(config('public'));

// Does the work in a transaction in which "who" acts.
function actAs(orm, who, work) {
  return actor.run(who, () => orm.em.fork().transactional(work));
}

// remove() goes through the view, and gives the row the time of its deletion.
async function deleteUser(em, id) {
  em.remove(await em.findOneOrFail(User, id));
}

// Only the table itself has the deleted rows.
function restoreUser(em, id) {
  return em.execute('UPDATE public.users SET deleted_at = NULL WHERE id = ?',
    [id]);
}

module.exports = {
  User, Order, Invoice, actor, database, migrations, actAs, deleteUser,
  restoreUser,
};
