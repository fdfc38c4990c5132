<?php
// What the checks in PHP share: a line for each check.

$count = $failed = 0;

function ok(bool $condition, string $what): void
{
    global $count, $failed;
    $count++;
    $failed += $condition ? 0 : 1;
    echo $condition ? 'ok' : 'not ok', " $count - $what\n";
}

function equal($got, $expected, string $what): void
{
    ok($got === $expected, $got === $expected ? $what : "$what: " . json_encode($got) . ', not ' . json_encode($expected));
}

// What the superuser, who is not the application's role, finds
function as_superuser(string $query, array $values = []): array
{
    $database = new PDO('pgsql:host=' . getenv('PGHOST') . ';port=' . getenv('PGPORT') . ';user=postgres;dbname=' . getenv('PGDATABASE'));
    $database->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $statement = $database->prepare($query);
    $statement->execute($values);
    return $statement->columnCount() ? $statement->fetchAll(PDO::FETCH_COLUMN) : [];
}

// The log of rows of a table, oldest first: who did what to which row
function audited(string $table): array
{
    return as_superuser("SELECT concat_ws(' ', coalesce(actor, 'nobody'), coalesce(soft_delete, op), key->>'id')
        FROM schemakit.audit_log WHERE table_name = ? AND op <> 'S' ORDER BY changed_at, txn_id, n", ["public.$table"]);
}

// All rows of the table seem to have been changed last in 2001.
function make_old(string $table): void
{
    as_superuser("DO \$\$ BEGIN SET LOCAL session_replication_role = replica; UPDATE public.$table SET updated_at = '2001-01-01'; END \$\$");
}

// The rows that have been changed since then
function changed(string $table): array
{
    return array_map('intval', as_superuser("SELECT id FROM public.$table WHERE updated_at > '2002-01-01' ORDER BY id"));
}

function done(): void
{
    global $count, $failed;
    exit($failed || !$count ? 1 : 0);
}
