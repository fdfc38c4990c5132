# Whoever may dump a database without schemakit may do so with it: without the log's
# rows if the role has no rights on the log, and else with everything, also with what
# a DBA has added to the log's tables.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = $node->basedir;
my @at = ('-h', $node->host, '-p', $node->port);
$node->safe_psql('postgres', q{CREATE ROLE shop LOGIN; CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader; CREATE ROLE auditor; CREATE DATABASE shop OWNER shop});
$node->safe_psql('shop', q{CREATE EXTENSION schemakit; ALTER SCHEMA public OWNER TO shop;
    SELECT schemakit.auto_enable('audit', 'app')});
$node->safe_psql('shop', q{SET ROLE shop; CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz);
    SELECT schemakit.audit_enable('users', mask => '{"name": "hash"}');
    INSERT INTO users VALUES (1, 'ann'); UPDATE users SET name = 'anna'});

my $events = q{SELECT count(*), count(DISTINCT key_hash), min(tableoid::regclass::text) ~ '_p20' FROM schemakit.audit_event};
my %log = (none => '0|0|', all => $node->safe_psql('shop', $events));

sub fresh
{
    $node->safe_psql('postgres', 'DROP DATABASE IF EXISTS target');
    $node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE template0');
    return;
}

sub restore
{
    my ($how, $file) = @_;
    return runs_clean([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @at, '-d', 'target', '-f', $file ], "$how: restored") unless $how =~ /-F/;
    return runs_clean([ 'pg_restore', '-e', @at, '-d', 'target', $file ], "$how: restored");
}

# 1. Each way to dump, by each role
my @whole = ('--exclude-table-data=schemakit.*');
my $me = $node->safe_psql('shop', 'SELECT current_user');
for my $case (
    # role, what the dump contains of the log, options
    [ $me, 'all' ], [ $me, 'all', '-Fc' ], [ $me, 'all', '-Fd', '-j2' ], [ $me, 'none', '-s' ],
    [ $me, 'all', '--inserts' ], [ $me, 'all', '--load-via-partition-root' ],
    [ 'reader', 'all' ], [ 'reader', 'all', '-Fc' ], [ 'reader', 'all', '-Fd', '-j2' ], [ 'reader', 'none', '-s' ],
    [ 'shop', 'none', '-s' ], [ 'shop', 'none', '-s', '-Fc' ],
    [ 'shop', 'none', @whole ], [ 'shop', 'none', @whole, '-Fc' ], [ 'shop', 'none', @whole, '-Fd', '-j2' ],
    [ 'shop', 'none', '-N', 'schemakit' ], [ 'shop', 'none', '-T', 'schemakit.*' ])
{
    my ($role, $log, @options) = @$case;
    my $how = join ' ', $role, @options;
    my $file = "$dir/" . ($how =~ s/\W+/_/gr);
    runs_clean([ 'pg_dump', @at, '-U', $role, @options, '-f', $file, 'shop' ], "$how: dumped");
    fresh();
    restore($how, $file);
    is($node->safe_psql('target', $events), $log{$log}, "$how: the log has $log");
    is($node->safe_psql('target', q{SELECT count(*) FROM users}), $how =~ /-s/ ? '0' : '1', "$how: the table is there");
    is($node->safe_psql('target', q{SELECT state FROM schemakit.status() WHERE feature = 'audit' AND relid = 'users'::regclass}), $log eq 'all' ? 'ok' : 'no key for hashes', "$how: and audited");
    is($node->safe_psql('target', q{SELECT count(*) FROM schemakit.auto_rule}), $log eq 'all' ? '2' : '1', "$how: the rules");
}
for my $role ($me, 'reader', 'shop')
{
    for my $option ('-n public', '-t users', '-n public -s', '-t users -Fc')
    {
        my $how = "$role $option";
        my $file = "$dir/" . ($how =~ s/\W+/_/gr);
        runs_clean([ 'pg_dump', @at, '-U', $role, split(' ', $option), '-f', $file, 'shop' ], "$how: dumped");
        fresh();
        $node->safe_psql('target', 'CREATE EXTENSION schemakit;' . ($option =~ /-n/ ? 'DROP SCHEMA public' : ''));
        restore($option =~ /-F/ ? $how : "$how", $file);
        is($node->safe_psql('target', q{SELECT count(*) FROM users}), $how =~ /-s/ ? '0' : '1', "$how: the table is there");
    }
}

# 2. What was added to the log's tables travels with the dump
$node->safe_psql('shop', q{
    CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE INDEX audit_event_actor_idx ON schemakit.audit_event (actor);
    CREATE UNIQUE INDEX "By ""Shape" ON schemakit.audit_event_default (shape_id, txn_id, n) WHERE shape_id > 0;
    DO $$BEGIN EXECUTE format('CREATE INDEX month_idx ON %s (n)', (SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass)); END$$;
    COMMENT ON INDEX schemakit.audit_event_actor_idx IS 'who';
    COMMENT ON TABLE schemakit.audit_event IS 'our ''events''';
    COMMENT ON COLUMN schemakit.audit_event_default.actor IS 'somebody';
    CREATE TRIGGER told AFTER INSERT ON schemakit.audit_event FOR EACH ROW EXECUTE FUNCTION told();
    CREATE TRIGGER "Told 2" AFTER INSERT ON schemakit.audit_shape FOR EACH ROW EXECUTE FUNCTION told();
    ALTER TABLE schemakit.audit_shape DISABLE TRIGGER "Told 2";
    COMMENT ON TRIGGER "Told 2" ON schemakit.audit_shape IS 'not now';
    CREATE POLICY p ON schemakit.audit_shape FOR SELECT TO auditor, PUBLIC USING (role = 'ann');
    CREATE POLICY q ON schemakit.audit_shape AS RESTRICTIVE FOR INSERT WITH CHECK (shape_id > 0);
    ALTER TABLE schemakit.audit_shape ENABLE ROW LEVEL SECURITY;
    ALTER TABLE schemakit.audit_event_default SET (autovacuum_vacuum_insert_threshold = 5000);
    ALTER TABLE schemakit.audit_event ADD CONSTRAINT late CHECK (at > '1990-01-01');
    GRANT SELECT ON ALL TABLES IN SCHEMA schemakit TO auditor WITH GRANT OPTION;
    GRANT UPDATE (op) ON schemakit.audit_event TO auditor;
    DO $$BEGIN EXECUTE format('GRANT UPDATE (op), DELETE ON %s TO auditor', (SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass)); END$$;
});

# Everything about schemakit's tables that the catalogs have, but for OIDs.
sub described
{
    my ($db) = @_;
    return $node->safe_psql($db, q{
        SELECT c.oid::regclass, c.relacl, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, pg_get_expr(c.relpartbound, c.oid),
            (SELECT string_agg(attname || ' ' || coalesce(attacl::text, '') || coalesce(col_description(c.oid, attnum), ''), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0),
            obj_description(c.oid), (SELECT string_agg(pg_get_indexdef(indexrelid) || coalesce(obj_description(indexrelid), ''), ';' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = c.oid),
            (SELECT string_agg(pg_get_triggerdef(oid) || tgenabled::text || coalesce(obj_description(oid), ''), ';' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid),
            (SELECT string_agg(conname || pg_get_constraintdef(oid), ';' ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid),
            (SELECT string_agg(p::text, ';' ORDER BY policyname) FROM pg_policies p WHERE schemaname = 'schemakit' AND tablename = relname)
        FROM pg_class c WHERE relnamespace = 'schemakit'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname});
}

my $before = described('shop');
like($before, qr/told.*By ""Shape/s, 'there is something to be dumped');
for my $case ([], ['-Fc'], [ '-Fd', '-j2' ], ['--inserts'])
{
    my $how = "@$case";
    my $file = "$dir/added" . ($how =~ s/\W+/_/gr);
    runs_clean([ 'pg_dump', @at, @$case, '-f', $file, 'shop' ], "additions, $how: dumped");
    fresh();
    restore($how, $file);
    is(described('target'), $before, "additions, $how: all are there");
    is($node->safe_psql('target', $events), $log{all}, "additions, $how: with the log");
}
# whoever does not dump the log does not stumble on what it has
for my $case ([ '-U', 'shop', '-s' ], [ '-U', 'shop', @whole ])
{
    my $how = "additions, @$case";
    $node->safe_psql('shop', 'ALTER FUNCTION told() OWNER TO shop');
    runs_clean([ 'pg_dump', @at, @$case, '-f', "$dir/without", 'shop' ], "$how: dumped");
    fresh();
    restore($how =~ s/-F//r, "$dir/without");
}

# 3. Data alone, also with triggers disabled meanwhile
$node->safe_psql('shop', 'SELECT schemakit.auto_disable(1)');
runs_clean([ 'pg_dump', @at, '-s', '-f', "$dir/s", 'shop' ], 'schema');
for my $option ('', '--disable-triggers')
{
    runs_clean([ 'pg_dump', @at, '-a', split(' ', $option), '-f', "$dir/a", 'shop' ], "data $option");
    fresh();
    restore("schema, then data $option", "$dir/$_") for 's', 'a';
    is($node->safe_psql('target', $events), $log{all}, "schema, then data $option: the log");
    is(described('target'), $before, "schema, then data $option: what was added");
    my $rest = q{SELECT (SELECT last_value FROM schemakit.audit_shape_id), (SELECT string_agg(r::text, ' ' ORDER BY r.id) FROM schemakit.auto_rule r)};
    is($node->safe_psql('target', $rest), $node->safe_psql('shop', $rest), "schema, then data $option: numbers and rules");
}

$node->stop;
done_testing();
