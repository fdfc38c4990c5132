// What Prisma's schema engine pulls, and the migrations that it finds necessary.  The
// engine is that of migrate.mjs, in a copy of this directory beside the modules.
const { cpSync, rmSync } = require('fs');
const { join } = require('path');
const { createTables, write, look } = require('../looks');

const directory = join(process.env.NODE_PATH, '../prisma');

// what the engine says when it gives up
global.PRISMA_WASM_PANIC_REGISTRY = { set_message: console.log };

look(async () => {
  rmSync(directory, { recursive: true, force: true });
  cpSync(__dirname, directory, { recursive: true });
  // the engine reads CHECKs through the adapter as what they are not
  await createTables((sql) => sql.replace(/ CHECK .*(?=,$)/m, ''));
  const { pull, diff, push } = await import(join(directory, 'migrate.mjs'));
  const { schema, views, warnings } = await pull();
  for (const { content } of schema.files) write('pull.prisma', content);
  write('pull.json', { views, warnings });
  write('none.sql', await diff(schema.files));
  write('none-back.sql', await diff(schema.files, true));

  // other models than the tables have
  const changed = schema.files.map(({ path, content }) => ({ path, content: content.replace(/^ +name .*$/m, '  age Int?') }));
  write('changed.sql', await diff(changed));
  write('changed-back.sql', await diff(changed, true));
});
