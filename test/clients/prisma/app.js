// Prisma with schemakit: who acts, and deletes that can be undone.  The models
// are in schema.prisma, and the migrations in migrations/.
const { PrismaPg } = require('@prisma/adapter-pg');
const { queryTags, withQueryTags } = require('@prisma/sqlcommenter-query-tags');
const { PrismaClient } = require('./generated');

// The views of live rows are in the schema "live", under their tables' names.
const prisma = new PrismaClient({
  adapter: new PrismaPg(
    { connectionString: process.env.DATABASE_URL },
    { schema: 'live' },
  ),
  comments: [queryTags()],
});

// Statements in "work" end with a comment that tells who acts.
function actAs(actor, work) {
  return withQueryTags({ actor }, work);
}

// delete() goes through the view, and gives the row the time of its deletion.
function deleteUser(id) {
  return prisma.user.delete({ where: { id } });
}

// Only the table itself has the deleted rows.
function restoreUser(id) {
  return prisma.$executeRaw`
    UPDATE public.users SET deleted_at = NULL WHERE id = ${id}`;
}

module.exports = { prisma, actAs, deleteUser, restoreUser };
