// Prisma through the views.  Its client is generated in a copy of this directory
// beside the modules, where Prisma looks for them.
const { execFileSync } = require('child_process');
const { cpSync, rmSync } = require('fs');
const { join } = require('path');
const { ok, equal, rejected, audited, makeOld, changed, run } = require('../checks');

const directory = join(process.env.NODE_PATH, '../prisma');

const ids = async (model) => (await model.findMany({ orderBy: { id: 'asc' } })).map((row) => row.id);

run(async () => {
  rmSync(directory, { recursive: true, force: true });
  cpSync(__dirname, directory, { recursive: true });
  // Generating needs no schema engine, but looks for one: see migrate.mjs.
  execFileSync('prisma', ['generate'], { cwd: directory, stdio: 'pipe', env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true' } });
  const { prisma, actAs, deleteUser, restoreUser } = require(join(directory, 'app'));
  const { deploy, reset, push } = await import(join(directory, 'migrate.mjs'));

  equal(await deploy(), ['1_schemakit', '2_shop', '3_rules'], 'the engine of migrate deploy');
  equal(await deploy(), [], 'and then none');
  equal(await push(), { executedSteps: 0, unexecutable: [], warnings: [] }, 'that of db push finds no drift');

  await actAs('ann@example.com', async () => {
    for (const id of [1, 2, 3]) await prisma.user.create({ data: { email: `user${id}@example.com` } });
    await prisma.order.createMany({ data: [1, 2, 3, 4, 5, 6].map((id) => ({ id, userId: 1 + (id % 3) })) });
  });
  await makeOld('users');
  await actAs("dan o'hara 100% */", () => prisma.user.update({ where: { id: 2 }, data: { name: 'Bob' } }));
  await prisma.$executeRaw`UPDATE users SET name = 'Cleo' WHERE id = 3`;
  equal(await changed('users'), [2, 3], 'updated_at has advanced');

  await makeOld('users');
  const robert = await prisma.user.update({ where: { id: 2 }, data: { name: 'Robert' } });
  ok(robert.updatedAt.getFullYear() > 2001, 'update() reads the new time back');
  await makeOld('users');
  const touchOff = () => prisma.$executeRaw`SET LOCAL schemakit.timestamps_touch = off`;
  await prisma.$transaction([touchOff(), prisma.user.update({ where: { id: 2 }, data: { name: 'Bob' } })]);
  equal(await changed('users'), [], 'or not, if the transaction says so');
  await prisma.user.update({ where: { id: 2 }, data: { updatedAt: new Date('2011-01-01') } });
  equal((await prisma.user.findUnique({ where: { id: 2 } })).updatedAt.getFullYear(), 2011, 'a time that is set is kept');

  // orders have @updatedAt
  await makeOld('orders');
  const start = new Date();
  const { updatedAt } = await prisma.order.update({ where: { id: 1 }, data: { userId: 3 } });
  ok(updatedAt >= start && updatedAt.getTime() === (await prisma.order.findUnique({ where: { id: 1 } })).updatedAt.getTime(), 'the time of @updatedAt is kept');
  await makeOld('orders');
  const old = (await prisma.order.findUnique({ where: { id: 1 } })).updatedAt;
  await prisma.order.update({ where: { id: 1 }, data: { userId: 2, updatedAt: old } });
  equal(await changed('orders'), [1], 'the old time is no time that is set');
  await makeOld('orders');
  await prisma.$transaction([touchOff(), prisma.order.update({ where: { id: 1 }, data: { userId: 3, updatedAt: old } })]);
  await prisma.$transaction([touchOff(), prisma.order.update({ where: { id: 1 }, data: { userId: 2, updatedAt: old } })]);
  equal(await changed('orders'), [], 'but stays so, if the transaction says so');

  await prisma.order.delete({ where: { id: 3 } });
  equal((await actAs('bob@example.com', () => deleteUser(1))).email, 'user1@example.com', 'delete() returns what it deletes');
  equal((await rejected(deleteUser(1))).code, 'P2025', 'and does not find it twice');
  equal((await prisma.user.deleteMany({ where: { id: 1 } })).count, 0, 'nor does deleteMany()');
  equal(await ids(prisma.user), [2, 3], 'deleted rows are not seen');
  equal(await ids(prisma.order), [1, 2, 4, 5], 'nor is what cascades in the database');
  equal((await prisma.user.findUnique({ where: { id: 3 }, include: { orders: { orderBy: { id: 'asc' } } } })).orders.map((o) => o.id), [2, 5], 'include goes through the views');
  equal(await changed('users'), [1, 2], 'updated_at has advanced');
  equal(await actAs('cleo@example.com', () => restoreUser(1)), 1, 'restore');
  equal(await ids(prisma.user), [1, 2, 3], 'it is back');
  equal(await ids(prisma.order), [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before');
  await actAs('eve@example.com', () => prisma.$transaction(async (tx) => {
    for (const name of ['Eve', 'Eva']) await tx.user.upsert({ where: { email: 'eve@example.com' }, create: { email: 'eve@example.com' }, update: { name } });
  }));
  await prisma.invoice.create({ data: { orderId: 1 } });
  equal((await rejected(deleteUser(2))).code, 'P2003', 'a live invoice prevents it');

  equal(await audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', "dan o'hara 100% */ U 2", 'nobody U 3', 'nobody U 2', 'nobody U 2',
    'bob@example.com deleted 1', 'cleo@example.com restored 1', 'eve@example.com I 4', 'eve@example.com U 4',
  ], 'the audit log knows who did it');
  equal((await audited('orders')).slice(10), ['nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6'], 'also of what cascades');

  await prisma.$executeRaw`ALTER TABLE users ADD age int`;
  ok('age' in (await prisma.$queryRaw`SELECT * FROM live.users LIMIT 1`)[0], 'the view follows a new column');
  equal((await push()).executedSteps, 1, 'db push drops it');
  ok(!('age' in (await prisma.$queryRaw`SELECT * FROM live.users LIMIT 1`)[0]), 'and the view follows');

  await prisma.$disconnect();
  await reset();
  equal(await deploy(), ['1_schemakit', '2_shop', '3_rules'], 'that of migrate reset, and all once more');
});
