# Settings that are made before the library is loaded; DDL and locks in a prepared
# transaction; foreign tables that are imported; and memory, which does not grow with what a session does.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 1');
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

# the regression tests run on any server, and few have prepared transactions
$node->safe_psql('postgres', q{BEGIN; CREATE TABLE prepared (id int, updated_at timestamptz); PREPARE TRANSACTION 'made'});
$node->safe_psql('postgres', q{COMMIT PREPARED 'made'});
is($node->safe_psql('postgres', q{SELECT state FROM schemakit.status() WHERE relid = 'prepared'::regclass}),
    'ok', 'a table made in a prepared transaction is maintained');

# status() and auto_apply() wait for nobody who has locked what they look at: the
# foreign key's table, or rows
$node->safe_psql('postgres', q{CREATE TABLE parent (id int PRIMARY KEY, updated_at timestamptz);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
    CREATE TABLE bare (id int PRIMARY KEY, updated_at timestamptz); DROP TRIGGER zz_schemakit_touch ON bare;
    SELECT schemakit.soft_delete_enable('parent')});
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE child; INSERT INTO bare VALUES (1); PREPARE TRANSACTION 'locks'});
my $states = q{SET statement_timeout = '60s'; SELECT feature, state FROM schemakit.status() WHERE relid = 'parent'::regclass ORDER BY 1};
is($node->safe_psql('postgres', $states), "soft_delete|locked\ntimestamps|ok", 'a table that depends on it is locked');
is( $node->safe_psql('postgres', q{SET statement_timeout = '60s'; SELECT action FROM schemakit.auto_apply() WHERE relid = 'bare'::regclass}),
    'locked', 'a table that is written to gets no trigger');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'locks'});
is($node->safe_psql('postgres', $states), "soft_delete|ok\ntimestamps|ok", 'afterwards');
is($node->safe_psql('postgres', q{SELECT action FROM schemakit.auto_apply() WHERE relid = 'bare'::regclass}), 'attached', 'and now it does');

# foreign tables are not ours to maintain, imported ones either
$node->safe_psql('postgres', 'CREATE EXTENSION postgres_fdw;
    CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host \'' . $node->host . '\', port \'' . $node->port . '\', dbname \'postgres\');
    CREATE USER MAPPING FOR CURRENT_USER SERVER self;
    CREATE SCHEMA imported;
    IMPORT FOREIGN SCHEMA public LIMIT TO (t, v) FROM SERVER self INTO imported');
is( $node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'imported'::regnamespace AND relkind = 'f'),
        (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'imported'::regnamespace)}),
    '2|0', 'IMPORT FOREIGN SCHEMA attaches nothing');
is( $node->safe_psql('postgres', q{UPDATE t SET updated_at = '2020-01-01'; UPDATE imported.t SET n = n + 1 RETURNING updated_at > '2020-01-02'}),
    't', 'but the table behind a foreign one is maintained');

# nor are tables that an extension's script makes; Debian's servers, and all
# from 18 on, can be told of another directory with extensions
my $sharedir = $node->config_data('--sharedir');
my $place = $node->basedir . '/elsewhere';
my ($setting) = grep { $node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE name = '$_'") }
  'extension_control_path', 'extension_destdir';
SKIP:
{
    skip 'not checked: this server finds extensions in one place only', 1 unless $setting;
    my $dir = $setting eq 'extension_destdir' ? "$place$sharedir/extension" : "$place/extension";
    my $path = $setting eq 'extension_destdir' ? $place : "$place:\$system";
    system_or_bail('mkdir', '-p', $dir);
    append_to_file("$dir/maker.control", "default_version = '1'\n");
    append_to_file("$dir/maker--1.sql", "CREATE TABLE made (id int, updated_at timestamptz);\n"
          . "ALTER TABLE made ADD COLUMN modified_at date; ALTER TABLE made RENAME updated_at TO x;\n");
    is( $node->safe_psql('postgres', "SET $setting = '$path'; CREATE EXTENSION maker;
        SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'made'::regclass),
               (SELECT count(*) FROM schemakit.status() WHERE relid = 'made'::regclass)"),
        '0|0', 'nothing is attached to the tables of an extension');
}

# memory: what the backend has after a warm-up is what it has after many more
sub memory_after
{
    my ($sql, $small, $large) = @_;
    my $measure = q{SELECT sum(used_bytes) FROM pg_backend_memory_contexts;};
    my ($small_bytes, $large_bytes) = split /\n/, $node->safe_psql('postgres',
        "SET client_min_messages = warning;" . ($sql x $small) . $measure . ($sql x ($large - $small)) . $measure);
    return ($small_bytes, $large_bytes);
}

my ($small, $large) = memory_after("UPDATE t SET n = n + 1;\n", 1000, 20000);
cmp_ok($large, '<', $small + 100_000, 'no memory is kept per statement');
($small, $large) = memory_after(
    "CREATE TABLE m (id int, updated_at date); ALTER TABLE m RENAME updated_at TO x; ALTER TABLE m DROP COLUMN x; DROP TABLE m;\n",
    1000, 3000);
cmp_ok($large, '<', $small + 50_000, 'no memory is kept per command');

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
