// What the clients' scripts in JavaScript share: a line for each check.
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

// Run it, and say how it went
function run(main) {
  main().catch((error) => ok(false, `it runs: ${error.stack}`)).finally(() => process.exit(failed || !count ? 1 : 0));
}

module.exports = { ok, equal, rejected, run };
