# Settings that are made before the library is loaded; and memory, which does
# not grow with what a session does.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit;
    CREATE TABLE t (id int PRIMARY KEY, n int, updated_at timestamptz); INSERT INTO t VALUES (1, 0, '2020-01-01')});

my $update = q{UPDATE t SET updated_at = '2020-01-01'; UPDATE t SET n = n + 1 RETURNING updated_at > '2020-01-02'};
sub updates { my ($set) = @_; return $node->safe_psql('postgres', ($set ? "$set;" : '') . $update); }

is(updates(''), 't', 'touched by default');
is(updates('SET schemakit.timestamps_touch = off'), 'f', 'a setting made before the library is loaded counts');
is(updates('BEGIN; SET LOCAL schemakit.timestamps_touch = off; COMMIT'), 't', 'one that is over does not');
{
    local $ENV{PGOPTIONS} = '-c schemakit.timestamps_touch=off';
    is(updates(''), 'f', 'nor does it matter whether it came with the connection');
}
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET schemakit.timestamps_touch = off');
is(updates(''), 'f', 'or from the database');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET schemakit.timestamps_touch');
$node->safe_psql('postgres', q{ALTER ROLE CURRENT_USER SET schemakit.timestamps_columns = 'stamp'});
is( $node->safe_psql('postgres', q{CREATE TABLE s (id int, stamp date); CREATE TABLE u (id int, updated_at date);
        SELECT relid FROM schemakit.status() WHERE relid <> 't'::regclass}),
    's', 'names of columns from the role');
$node->safe_psql('postgres', q{ALTER ROLE CURRENT_USER RESET schemakit.timestamps_columns});

# a value that makes no sense is told of, and not used
my ($rc, $out, $err) = $node->psql('postgres',
    q{SET schemakit.timestamps_columns = 'a,,b'; CREATE TABLE v (id int, updated_at date);
      SELECT state FROM schemakit.status() WHERE relid = 'v'::regclass});
is($rc, 0, 'a bad setting made before the library is loaded fails nothing');
like($err, qr/WARNING:  invalid value for parameter "schemakit.timestamps_columns"/, 'but is told of');
is($out, 'ok', 'and the default is used');

# memory: what the backend has after a warm-up is what it has after many more
sub memory_after
{
    my ($sql, $small, $large) = @_;
    my $measure = q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts;};
    my ($small_bytes, $large_bytes) = split /\n/, $node->safe_psql('postgres',
        "SET client_min_messages = warning;" . ($sql x $small) . $measure . ($sql x ($large - $small)) . $measure);
    return ($small_bytes, $large_bytes);
}

my ($small, $large) = memory_after("UPDATE t SET n = n + 1;\n", 1000, 20000);
cmp_ok($large, '<', $small + 100_000, 'no memory is kept per statement');
($small, $large) = memory_after(
    "CREATE TABLE m (id int, updated_at date); ALTER TABLE m RENAME updated_at TO x; ALTER TABLE m DROP COLUMN x; DROP TABLE m;\n",
    300, 2000);
cmp_ok($large, '<', $small + 300_000, 'no memory is kept per command');

# nor per row: a statement over many rows needs what it needs without the
# trigger (the server keeps rows that are returned, up to work_mem)
$node->safe_psql('postgres', q{CREATE TABLE many (id int, n int, updated_at timestamptz);
    INSERT INTO many SELECT i, i, '2020-01-01' FROM generate_series(1, 300000) i;
    CREATE FUNCTION used() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts'});
my @used = map {
    $node->safe_psql('postgres', "ALTER TABLE many $_ TRIGGER zz_schemakit_touch");
    grep { length } split /\n/, $node->safe_psql('postgres', q{
        UPDATE many SET n = n + 1 RETURNING CASE WHEN id = 300000 THEN used() END});
} 'DISABLE', 'ENABLE';
cmp_ok($used[1], '<', $used[0] + 100_000, 'no memory is kept per row');

$node->stop;
done_testing();
