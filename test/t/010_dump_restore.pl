# A dump restores without an error, whichever way it is made and loaded; the
# triggers and rules are the same before and after, and no row is touched.
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

my $schema = q{
CREATE TABLE before_extension (id int PRIMARY KEY, updated_at timestamptz);
CREATE EXTENSION schemakit;
CREATE SCHEMA app;
CREATE TABLE plain (id serial PRIMARY KEY, name text, updated_at timestamptz DEFAULT now());
CREATE TABLE app.plain (id int, updated_at timestamp(3));
CREATE TABLE app."Camel Case" (id int PRIMARY KEY, "updatedAt" timestamptz, plain int REFERENCES public.plain ON DELETE CASCADE);
CREATE TABLE identity (id int GENERATED ALWAYS AS IDENTITY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED, modified_at date);
CREATE TABLE opted_out (id int, updated_at timestamptz);
ALTER TABLE opted_out DISABLE TRIGGER zz_schemakit_touch;
CREATE TABLE always (id int, updated_at timestamptz);
ALTER TABLE always ENABLE ALWAYS TRIGGER zz_schemakit_touch;
CREATE TABLE dropped (id int, updated_at timestamptz);
DROP TRIGGER zz_schemakit_touch ON dropped;
CREATE TABLE by_hand (id int, updated_at timestamptz, changed timestamptz);
DROP TRIGGER zz_schemakit_touch ON by_hand;
CREATE TRIGGER mine BEFORE UPDATE ON by_hand FOR EACH ROW EXECUTE FUNCTION schemakit.touch('changed', 'always');
CREATE TABLE custom (id int, stamp timestamptz);
SELECT schemakit.timestamps_enable('custom', 'stamp');
CREATE TABLE renamed (id int, updated_at timestamptz);
ALTER TABLE renamed RENAME updated_at TO "Last ""Change""";
CREATE TABLE part (id int, at date, updated_at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id);
CREATE TABLE part_2_1 PARTITION OF part_2 FOR VALUES IN (1);
CREATE TABLE part_d PARTITION OF part DEFAULT;
ALTER TABLE part_1 DISABLE TRIGGER zz_schemakit_touch;
CREATE TABLE part_left (LIKE part);
ALTER TABLE part ATTACH PARTITION part_left FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
ALTER TABLE part DETACH PARTITION part_left;
CREATE TABLE parent (id int, updated_at timestamptz);
CREATE TABLE child (extra int) INHERITS (parent);
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER other BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION other();
INSERT INTO plain SELECT i, 'name', '2020-01-01' FROM generate_series(1, 1000) i;
INSERT INTO app.plain VALUES (1, '2020-01-01');
INSERT INTO app."Camel Case" VALUES (1, '2020-01-01', 1);
INSERT INTO identity (n, modified_at) VALUES (1, '2020-01-01');
INSERT INTO by_hand VALUES (1, '2020-01-01', '2020-01-01');
INSERT INTO part VALUES (1, '2020-06-01', '2020-01-01'), (1, '2021-06-01', '2020-01-01'), (1, '1999-01-01', '2020-01-01');
INSERT INTO child VALUES (1, '2020-01-01', 1);
INSERT INTO before_extension VALUES (1, '2020-01-01');
};

# The rules as they were built in; further ones; and one that leaves public alone.
my %source = (
    plain => '',
    rules => q{SELECT schemakit.auto_enable('timestamps', 'app', 'x%', '{"col": "at", "mode": "always"}');
               SELECT schemakit.auto_enable('timestamps', 'legacy\_%')},
    strict => q{SELECT schemakit.auto_enable('timestamps', 'app'); SELECT schemakit.auto_disable(1);
                CREATE TABLE uncovered (id int, updated_at timestamptz)});

sub new_database
{
    my ($name, $sql) = @_;
    $node->safe_psql('postgres', "DROP DATABASE IF EXISTS $name");
    $node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
    $node->safe_psql($name, $sql) if $sql;
}

# The dump of a database as text; the keys of \restrict differ each time.
sub dump_text
{
    my ($db) = @_;
    my ($text) = run_command([ 'pg_dump', '-p', $node->port, '-h', $node->host, $db ]);
    return join("\n", grep { !/^\\(un)?restrict/ } split(/\n/, $text));
}

my @at = ('-p', $node->port, '-h', $node->host);
my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @at);

for my $name (sort keys %source)
{
    my $db = "source_$name";
    new_database($db, $schema . $source{$name});
    my $before = fingerprint($node, $db);
    my $text = dump_text($db);

    runs_clean([ 'pg_dump', @at, '-Fc', '-f', "$dir/$name.custom", $db ], "$name: dump, custom");
    runs_clean([ 'pg_dump', @at, '-Fd', '-j2', '-f', "$dir/$name.dir", $db ], "$name: dump, directory");
    runs_clean([ 'pg_dump', @at, '-f', "$dir/$name.sql", $db ], "$name: dump, plain");
    runs_clean([ 'pg_dump', @at, '-s', '-f', "$dir/$name.schema.sql", $db ], "$name: dump, schema");
    runs_clean([ 'pg_dump', @at, '-a', '-f', "$dir/$name.data.sql", $db ], "$name: dump, data");
    runs_clean([ 'pg_dump', @at, '-a', '--disable-triggers', '-f', "$dir/$name.disabled.sql", $db ],
        "$name: dump, data with triggers disabled");

    my %restore = (
        'custom' => [ [ 'pg_restore', @at, '-e', '-d', 'target', "$dir/$name.custom" ] ],
        'custom, 4 jobs' => [ [ 'pg_restore', @at, '-e', '-j4', '-d', 'target', "$dir/$name.custom" ] ],
        'directory, 4 jobs' => [ [ 'pg_restore', @at, '-e', '-j4', '-d', 'target', "$dir/$name.dir" ] ],
        'custom, one transaction' => [ [ 'pg_restore', @at, '-1', '-d', 'target', "$dir/$name.custom" ] ],
        'plain' => [ [ @psql, '-d', 'target', '-f', "$dir/$name.sql" ] ],
        'schema, then data' => [
            [ @psql, '-d', 'target', '-f', "$dir/$name.schema.sql" ],
            [ @psql, '-d', 'target', '-f', "$dir/$name.data.sql" ] ],
        'sections' => [
            map { [ 'pg_restore', @at, '-e', "--section=$_", '-d', 'target', "$dir/$name.custom" ] }
              qw(pre-data data post-data) ]);
    for my $way (sort keys %restore)
    {
        new_database('target');
        runs_clean($_, "$name: restore, $way") for @{ $restore{$way} };
        is(fingerprint($node, 'target'), $before, "$name: the same after restore, $way");
        is(dump_text('target'), $text, "$name: the same dump after restore, $way");
    }

    # with triggers disabled meanwhile: pg_dump enables them all afterwards.  A
    # changed built-in rule cannot be loaded so, since merging is a trigger.
    if ($name ne 'strict')
    {
        new_database('target');
        runs_clean([ @psql, '-d', 'target', '-f', "$dir/$name.$_.sql" ], "$name: restore, $_")
          for 'schema', 'disabled';
        is(rows($node, 'target'), rows($node, $db), "$name: the same rows, data with triggers disabled");
        is(rules($node, 'target'), rules($node, $db), "$name: the same rules, data with triggers disabled");
    }

    # into itself, over what is there
    new_database('target');
    runs_clean([ 'pg_restore', @at, '-e', '-d', 'target', "$dir/$name.custom" ], "$name: restore, to be cleaned");
    runs_clean([ 'pg_restore', @at, '-e', '--clean', '--if-exists', '-d', 'target', "$dir/$name.custom" ],
        "$name: restore over itself, clean");
    is(fingerprint($node, 'target'), $before, "$name: the same after restore over itself");

    # where schemakit is installed, and its rules are other ones
    new_database('target', q{CREATE EXTENSION schemakit;
        SELECT schemakit.auto_enable('timestamps', 'theirs', '%', '{"mode": "always"}'), schemakit.auto_disable(1)});
    runs_clean([ 'pg_restore', @at, '-e', '-d', 'target', "$dir/$name.custom" ], "$name: restore, other rules there");
    is(triggers($node, 'target'), triggers($node, $db), "$name: the same triggers where other rules are");
    is(rows($node, 'target'), rows($node, $db), "$name: the same rows where other rules are");
    is( $node->safe_psql('target', q{SELECT count(*) FROM schemakit.auto_rule WHERE schemas = 'theirs'}),
        1, "$name: the other rules are still there");

    # schemakit works in what was restored
    is( $node->safe_psql('target', q{UPDATE plain SET name = 'changed' WHERE id = 1 RETURNING updated_at = now()}),
        't', "$name: an update advances");
    $node->safe_psql('target', q{SELECT schemakit.auto_enable('timestamps', '%')});
    is( $node->safe_psql('target', q{CREATE TABLE new (id int, updated_at timestamptz); INSERT INTO new VALUES (1, '2020-01-01');
            UPDATE new SET id = 2 RETURNING updated_at = now()}),
        't', "$name: a new table is covered");
}

# One table, into a live database that has the extension and lacks the table.
new_database('live', "CREATE EXTENSION schemakit");
for my $table ('plain', 'opted_out', 'by_hand', 'dropped', 'renamed', 'part_left')
{
    runs_clean([ 'pg_dump', @at, '-t', $table, '-f', "$dir/one.sql", 'source_plain' ], "$table: dump");
    $node->safe_psql('live', q{CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'})
      if $table eq 'plain';
    runs_clean([ @psql, '-d', 'live', '-f', "$dir/one.sql" ], "$table: into a live database");
    my $of = sub { join("\n", grep { /^\Q$table\E\|/ } split(/\n/, $_[0]->($node, $_[1]))) };
    is($of->(\&triggers, 'live'), $of->(\&triggers, 'source_plain'), "$table: the same triggers");
    is($of->(\&rows, 'live'), $of->(\&rows, 'source_plain'), "$table: the same rows");
}

# The table's definition alone, as pg_restore -t takes it out of an archive.
new_database('live', "CREATE EXTENSION schemakit");
runs_clean([ 'pg_restore', @at, '-e', '-t', 'always', '-d', 'live', "$dir/plain.custom" ], 'pg_restore -t');
is($node->safe_psql('live', q{SELECT action FROM schemakit.auto_apply()}), 'attached', 'auto_apply() covers it then');

# A dump made without schemakit, into a database that has it.
new_database('without', q{CREATE TABLE t (id int, updated_at timestamptz); INSERT INTO t VALUES (1, '2020-01-01')});
new_database('target', "CREATE EXTENSION schemakit");
runs_clean([ 'pg_dump', @at, '-f', "$dir/without.sql", 'without' ], 'dump without schemakit');
runs_clean([ @psql, '-d', 'target', '-f', "$dir/without.sql" ], 'restored where it is');
is(triggers($node, 'target'), '', 'nothing is attached meanwhile');
is($node->safe_psql('target', q{SELECT state FROM schemakit.status()}), 'missing trigger', 'status() says so');

# Rules that add columns add none to what is restored, wherever that is.
my $adds = q{CREATE EXTENSION schemakit; SELECT schemakit.auto_enable('timestamps', options => '{"add_columns": true}', exceptions => '{join%}')};
my $columns = q{SELECT attrelid::regclass::text, string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r') AND attnum > 0 GROUP BY 1 ORDER BY 1};
new_database('grown', qq{CREATE TABLE before (id int); $adds; CREATE TABLE after (id int); INSERT INTO after VALUES (1);
    CREATE TABLE join_table (a int, b int); CREATE TABLE as_query AS SELECT 1 AS id});
is($node->safe_psql('grown', $columns), "after|id created_at updated_at\nas_query|id created_at updated_at\nbefore|id\njoin_table|a b", 'columns are added');
runs_clean([ 'pg_dump', @at, '-Fc', '-f', "$dir/grown.custom", 'grown' ], 'dump of tables with added columns');
runs_clean([ 'pg_dump', @at, '-f', "$dir/grown.sql", 'grown' ], 'dump of tables with added columns, plain');
for my $there ('', $adds)
{
    for my $restore ([ 'pg_restore', @at, '-e', '-d', 'target', "$dir/grown.custom" ], [ @psql, '-d', 'target', '-f', "$dir/grown.sql" ])
    {
        new_database('target', $there);
        runs_clean($restore, 'restore of tables with added columns');
        is($node->safe_psql('target', $columns), $node->safe_psql('grown', $columns), 'the same columns');
        is(fingerprint($node, 'target'), fingerprint($node, 'grown'), 'all else is the same');
    }
}

# The whole cluster, and a dump that makes its database.
runs_clean([ 'pg_dump', @at, '-C', '-f', "$dir/create.sql", 'source_rules' ], 'dump with CREATE DATABASE');
my $before = fingerprint($node, 'source_rules');
$node->safe_psql('postgres', 'DROP DATABASE source_rules');
runs_clean([ @psql, '-d', 'postgres', '-f', "$dir/create.sql" ], 'restored with CREATE DATABASE');
is(fingerprint($node, 'source_rules'), $before, 'the same after that');

$node->stop;
done_testing();
