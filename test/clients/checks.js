// What the checks in JavaScript share: a line for each check.
const { Client } = require('pg');

let count = 0;
let failed = 0;

function ok(condition, what) {
  count += 1;
  if (!condition) failed += 1;
  console.log(`${condition ? 'ok' : 'not ok'} ${count} - ${what}`);
}

function equal(got, expected, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  ok(a === b, a === b ? what : `${what}: ${a}, not ${b}`);
}

// The error that the promise is rejected with
async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

// What the superuser, who is not the application's role, finds
async function asSuperuser(query, ...values) {
  const client = new Client({ host: process.env.PGHOST, port: process.env.PGPORT, user: 'postgres', database: process.env.PGDATABASE });
  await client.connect();
  const { rows } = await client.query({ text: query, values, rowMode: 'array' }).finally(() => client.end());
  return rows;
}

// The log of rows of a table, oldest first: who did what to which row
async function audited(table) {
  return (await asSuperuser(`SELECT concat_ws(' ', coalesce(actor, 'nobody'), coalesce(soft_delete, op), key->>'id')
    FROM schemakit.audit_log WHERE table_name = $1 AND op <> 'S' ORDER BY changed_at, txn_id, n`, `public.${table}`)).flat();
}

// All rows of the table seem to have been changed last in 2001.
const makeOld = (table) => asSuperuser(`SET session_replication_role = replica; UPDATE public.${table} SET updated_at = '2001-01-01'`);

// The rows that have been changed since then
async function changed(table) {
  return (await asSuperuser(`SELECT id FROM public.${table} WHERE updated_at > '2002-01-01' ORDER BY id`)).flat();
}

// Run it, and say how it went
function run(main) {
  main().catch((error) => ok(false, `it runs: ${error.stack}`)).finally(() => process.exit(failed || !count ? 1 : 0));
}

module.exports = { ok, equal, rejected, asSuperuser, audited, makeOld, changed, run };
