# Soft delete in dumps, pg_upgrade and replication: what comes out is what went
# in, and at no time does DELETE from a live view delete rows for good.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->start;
my $dir = $node->basedir;
my @at = ('-h', $node->host, '-p', $node->port);
my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @at);

sub runs_clean
{
    my ($cmd, $name) = @_;
    my ($out, $err) = ('', '');
    ok(IPC::Run::run($cmd, '<', \undef, '>', \$out, '2>', \$err), "$name: done");
    $err =~ s/^pg_restore: (connecting|implied|creating|dropping|processing|executing|launching|entering|finished).*\n//mg;
    is($err, '', $name);
    return;
}

$node->safe_psql('postgres', 'CREATE DATABASE source; CREATE ROLE reader; CREATE ROLE owner');
$node->safe_psql('source', q{
    CREATE EXTENSION schemakit;
    CREATE SCHEMA live;
    SELECT schemakit.auto_enable('soft_delete');
    CREATE TABLE users (id int PRIMARY KEY, "Name" text, updated_at timestamptz);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, deleted_at timestamptz);
    CREATE TABLE parts (id int, region int, order_id int REFERENCES orders ON DELETE CASCADE, removed_at timestamp(0), PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
    CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
    ALTER TABLE users OWNER TO owner;
    GRANT SELECT ON users TO reader;
    SELECT schemakit.soft_delete_enable('users', view_name => 'live.users', protect => true), schemakit.soft_delete_enable('parts', 'removed_at', protect => true);
    COMMENT ON VIEW live.users IS 'those who are here';
    INSERT INTO users SELECT i, 'user ' || i, now() FROM generate_series(1, 20) AS i;
    INSERT INTO orders SELECT i, 1 + i % 20 FROM generate_series(1, 100) AS i;
    INSERT INTO parts SELECT i, i % 3, 1 + i % 100 FROM generate_series(1, 500) AS i;
    DELETE FROM orders_live WHERE id % 7 = 0;
    DELETE FROM live.users WHERE id < 6;
    ALTER TABLE orders DISABLE TRIGGER zz_schemakit_soft_delete_reference;
});

# What is there, but for OIDs
sub contents
{
    my ($n, $db) = @_;
    return $n->safe_psql($db, q{
        SELECT md5(string_agg(r, ',' ORDER BY r)) FROM (SELECT u::text FROM users AS u UNION ALL SELECT o::text FROM orders AS o UNION ALL SELECT p::text FROM parts AS p) AS x(r);
        SELECT tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(t.oid), tgisinternal FROM pg_trigger AS t WHERE tgname LIKE 'zz%' ORDER BY tgrelid::regclass::text, 2;
        SELECT relname, relkind, pg_get_userbyid(relowner), relacl, reloptions, obj_description(oid, 'pg_class'), CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) END
        FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'live'::regnamespace) ORDER BY 1, 2;
        SELECT relid, feature, state, detail FROM schemakit.status() ORDER BY relid::text, 2});
}

sub goes_on
{
    my ($n, $db, $name) = @_;
    is( $n->safe_psql($db, q{BEGIN; UPDATE users SET deleted_at = NULL; SELECT (SELECT count(*) FROM live.users), (SELECT count(*) FROM orders_live), (SELECT count(*) FROM parts_live);
        DELETE FROM live.users WHERE id = 1; SELECT count(*) FROM users; SELECT count(*) FROM live.users; ROLLBACK}),
        "20|86|430\n20\n19", "$name: rows come back, and go");
    my ($rc, $out, $err) = $n->psql($db, 'DELETE FROM users');
    like($err, qr/can only be soft-deleted/, "$name: protected");
    return;
}

my $before = contents($node, 'source');
goes_on($node, 'source', 'before');
runs_clean([ 'pg_dump', @at, '-Fc', '-f', "$dir/custom", 'source' ], 'dump, custom');
runs_clean([ 'pg_dump', @at, '-f', "$dir/plain.sql", 'source' ], 'dump, plain');
runs_clean([ 'pg_dump', @at, '-s', '-f', "$dir/schema.sql", 'source' ], 'dump, schema');
runs_clean([ 'pg_dump', @at, '-a', '-f', "$dir/data.sql", 'source' ], 'dump, data');
runs_clean([ 'pg_dump', @at, '-t', 'users', '-t', 'live.users', '--clean', '-f', "$dir/users.sql", 'source' ], 'dump, one table and its view');

my %restore = (
    'custom' => [ [ 'pg_restore', @at, '-e', '-d', 'target', "$dir/custom" ] ],
    'custom, 4 jobs' => [ [ 'pg_restore', @at, '-e', '-j4', '-d', 'target', "$dir/custom" ] ],
    'one transaction' => [ [ 'pg_restore', @at, '-1', '-d', 'target', "$dir/custom" ] ],
    'plain' => [ [ @psql, '-d', 'target', '-f', "$dir/plain.sql" ] ],
    'schema, then data' => [ [ @psql, '-d', 'target', '-f', "$dir/schema.sql" ], [ @psql, '-d', 'target', '-f', "$dir/data.sql" ] ],
    'sections' => [ map { [ 'pg_restore', @at, '-e', "--section=$_", '-d', 'target', "$dir/custom" ] } 'pre-data', 'data', 'post-data' ]);
for my $way (sort keys %restore)
{
    $node->safe_psql('postgres', 'DROP DATABASE IF EXISTS target');
    $node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE template0');
    runs_clean($_, "restore: $way") for @{ $restore{$way} };
    is(contents($node, 'target'), $before, "$way: the same");
    goes_on($node, 'target', $way);
}
# pg_restore cannot clean a partitioned table's primary key away
$node->safe_psql('target', 'DROP TABLE parts');
runs_clean([ 'pg_restore', @at, '-e', '--clean', '--if-exists', '-d', 'target', "$dir/custom" ], 'restore over itself, clean');
is(contents($node, 'target'), $before, 'clean: the same');

# What a partial restore leaves is not one on which rows are deleted for good.
$node->safe_psql('postgres', 'CREATE DATABASE partial TEMPLATE template0');
$node->safe_psql('partial', 'CREATE EXTENSION schemakit; CREATE SCHEMA live; CREATE TABLE users (id int PRIMARY KEY, "Name" text, updated_at timestamptz, deleted_at timestamptz); INSERT INTO users VALUES (1)');
runs_clean([ 'pg_restore', @at, '-e', '-n', 'live', '-t', 'users', '-d', 'partial', "$dir/custom" ], 'restore of the view alone');
my ($rc, $out, $err) = $node->psql('partial', 'DELETE FROM live.users');
like($err, qr/cannot permanently delete rows/, 'a view without its trigger');
is($node->safe_psql('partial', 'ALTER TABLE users OWNER TO owner; SELECT schemakit.soft_delete_enable(\'users\'); DELETE FROM live.users RETURNING id; SELECT count(*) FROM users') =~ s/^\n//r, "1\n1", 'is mended');
$node->safe_psql('target', 'ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey');
runs_clean([ @psql, '-d', 'target', '-f', "$dir/users.sql" ], 'one table and its view, in place');
is($node->safe_psql('target', q{SELECT state, detail FROM schemakit.status() WHERE relid = 'users'::regclass AND feature = 'soft_delete'}), 'ok|view live.users; protected', 'is complete');

# A subscriber has the same rows, whatever moved them.
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE ROLE reader; CREATE ROLE owner; CREATE DATABASE source');
runs_clean([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $subscriber->host, '-p', $subscriber->port, '-d', 'source', '-f', "$dir/schema.sql" ], 'the schema, at a subscriber');
$node->safe_psql('source', 'CREATE PUBLICATION p FOR TABLE users, orders, parts');
$subscriber->safe_psql('source', "CREATE SUBSCRIPTION s CONNECTION '" . $node->connstr('source') =~ s/'/''/gr . "' PUBLICATION p");
$subscriber->wait_for_subscription_sync($node, 's', 'source');
$node->safe_psql('source', 'UPDATE users SET deleted_at = NULL WHERE id < 4; DELETE FROM live.users WHERE id IN (9, 10)');
$node->wait_for_catchup('s');
my $rows = q{SELECT 'users', u::text FROM users AS u UNION ALL SELECT 'orders', o::text FROM orders AS o UNION ALL SELECT 'parts', p::text FROM parts AS p ORDER BY 1, 2};
is($subscriber->safe_psql('source', $rows), $node->safe_psql('source', $rows), 'a subscriber has the same');
$subscriber->safe_psql('source', 'DROP SUBSCRIPTION s');
$subscriber->stop;
$node->safe_psql('source', 'DROP PUBLICATION p');

# pg_upgrade
$before = contents($node, 'source');
my $bindir = $node->config_data('--bindir');
$node->safe_psql('postgres', "DROP DATABASE $_") for 'target', 'partial';
$node->stop;
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
chdir($new->basedir) or die;
command_ok([ 'pg_upgrade', '--no-sync', '--link', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
    '-s', $new->host, '-p', $node->port, '-P', $new->port ], 'pg_upgrade');
$new->start;
is(contents($new, 'source'), $before, 'after pg_upgrade: the same');

# The views go with the extension, as the triggers do, but not what is built on them.
$new->safe_psql('source', 'CREATE VIEW built AS SELECT id FROM live.users');
($rc, $out, $err) = $new->psql('source', 'SET schemakit.audit_writable = on; DROP EXTENSION schemakit');
like($err, qr/view built depends on view live\.users/, 'DROP EXTENSION');
$new->safe_psql('source', 'SET schemakit.audit_writable = on; DROP VIEW built; DROP EXTENSION schemakit');
($rc, $out, $err) = $new->psql('source', 'DELETE FROM live.users');
like($err, qr/does not exist/, 'the view has gone');
is($new->safe_psql('source', 'SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM orders), (SELECT count(*) FROM parts)'), '20|100|500', 'and no row');
is($new->safe_psql('source', q{SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz%'}), '0', 'nor is a trigger left');
$new->stop;
done_testing();
