# A database that was restored from a dump, and in which commands change tables before
# anybody has written to them, tells the same of the past as a copy of the database in
# which the same commands were run.
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
my @to = ('-p', $node->port, '-h', $node->host);

my @tables = qw(parts renamed moved gap computed dropped app.inside parent labelled rekeyed);
$node->safe_psql('postgres', q{CREATE DATABASE shop});
$node->safe_psql('shop', q{
CREATE EXTENSION schemakit;
CREATE SCHEMA app;
CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TYPE label AS ENUM ('a', 'b');
CREATE TABLE labelled (id int PRIMARY KEY, v label);
CREATE TABLE renamed (id int PRIMARY KEY, v text, w int);
}
. join('', map { "CREATE TABLE $_ (id int PRIMARY KEY, v text);\n" } qw(moved gap computed dropped app.inside parent rekeyed))
. join('', map { "SELECT schemakit.audit_enable('$_'); INSERT INTO $_ (id, v) VALUES (1, 'a');\n" } @tables)
. q{INSERT INTO parts VALUES (11, 'b')});
my $then = $node->safe_psql('shop', 'SELECT clock_timestamp()');

# what is done to a database
my @commands = split /\n/, q{ALTER TABLE parts DETACH PARTITION parts_1
ALTER TABLE renamed RENAME v TO old_v
ALTER TABLE renamed ADD v text DEFAULT 'new'
ALTER TABLE moved RENAME TO moved_away
ALTER TABLE gap DISABLE TRIGGER zz_schemakit_audit
UPDATE gap SET v = 'unseen'
ALTER TABLE gap ENABLE TRIGGER zz_schemakit_audit
ALTER TABLE computed ALTER v TYPE int USING 42
DROP TABLE dropped
CREATE TABLE dropped (id int PRIMARY KEY, v text)
ALTER SCHEMA app RENAME TO app_2
CREATE TABLE child () INHERITS (parent)
INSERT INTO child VALUES (2, 'child')
ALTER TYPE label RENAME VALUE 'a' TO 'z'
ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (v)};

# and what it then says of the past
sub told
{
    my ($db) = @_;
    my $told = '';
    for my $table (map { { moved => 'moved_away', 'app.inside' => 'app_2.inside' }->{$_} // $_ } @tables)
    {
        for my $query ("SELECT * FROM schemakit.audit_as_of(NULL::$table, '$then') AS r ORDER BY r::text",
            "SELECT * FROM schemakit.audit_as_of_jsonb('$table', '$then') AS r ORDER BY r::text",
            "SELECT op, old, new FROM schemakit.audit_log WHERE rel_id = (SELECT rel_id FROM schemakit.audit_shape WHERE shape_id = (SELECT max(shape_id) FROM schemakit.audit_shape WHERE relid = '$table'::regclass)) ORDER BY changed_at",
            "SELECT state, detail FROM schemakit.status() WHERE relid = '$table'::regclass")
        {
            my ($code, $out, $err) = $node->psql($db, $query);
            $told .= "$table: $out $err\n";
        }
    }
    $told =~ s/psql:<stdin>:\d+: //g;
    $told =~ s/\d{4}-\d\d-\d\d [\d:.]+[+-]\d\d/TIME/g;
    return $told;
}

$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE shop');
$node->safe_psql('copy', $_) for @commands;
my $expected = told('copy');
like($expected, qr/^parts: .*\nDETAIL:  Partition public\.parts_1 was detached/m, 'the copy tells of what was done');

# a second write changes nothing about it
sub write_all
{
    my ($db) = @_;
    $node->safe_psql($db, 'UPDATE renamed SET w = 7; UPDATE moved_away SET id = id; UPDATE computed SET v = 43; UPDATE app_2.inside SET v = $$b$$; UPDATE parts SET v = $$c$$');
    return told($db);
}
my $expected_later = write_all('copy');

my %way = (
    'plain' => sub { runs_clean([ 'pg_dump', @to, '-f', "$dir/plain", 'shop' ], 'dump'); return [ 'psql', '-X', '-q', @to, '-d', 'restored', '-f', "$dir/plain" ] },
    'parallel' => sub { runs_clean([ 'pg_dump', @to, '-Fd', '-f', "$dir/directory", 'shop' ], 'dump'); return [ 'pg_restore', @to, '-j', '3', '-d', 'restored', "$dir/directory" ] },
    'schema, then data' => sub { runs_clean([ 'pg_dump', @to, "-$_", '-f', "$dir/$_", 'shop' ], "dump -$_") for 's', 'a'; return map { [ 'psql', '-X', '-q', @to, '-d', 'restored', '-f', "$dir/$_" ] } 's', 'a' });
for my $way (sort keys %way)
{
    # in a session that was there before
    $node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
    my $session = $node->background_psql('restored');
    for my $step ($way{$way}->())
    {
        runs_clean($step, "restore, $way");
        $session->query_safe('CREATE TEMP TABLE IF NOT EXISTS looked (id int)') if $step->[-1] =~ /s$/;
    }
    $session->query_safe($_) for @commands;
    is(told('restored'), $expected, "$way: the same is told after commands");
    is(write_all('restored'), $expected_later, "$way: and after writes");
    $session->quit;
    $node->safe_psql('postgres', 'DROP DATABASE restored');
}

# the first command renames no table
for my $first ('ALTER SCHEMA app RENAME TO app_2', q{ALTER TYPE label RENAME VALUE 'a' TO 'z'}, 'DROP TABLE dropped')
{
    my $query = "SELECT state, detail FROM schemakit.status() WHERE relid::text ~ 'inside|labelled'; SELECT * FROM schemakit.audit_as_of(NULL::labelled, '$then'); SELECT count(*) FROM schemakit.audit_shape WHERE dropped";
    $node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
    $node->safe_psql('postgres', 'CREATE DATABASE twin TEMPLATE shop');
    runs_clean($_, "restore, $first") for $way{'schema, then data'}->();
    my %told;
    for my $db ('restored', 'twin')
    {
        $node->safe_psql($db, $first);
        my ($code, $out, $err) = $node->psql($db, $query);
        my $inside = $first =~ /SCHEMA/ ? 'app_2.inside' : 'app.inside';
        $told{$db} = "$out $err " . $node->safe_psql($db, "UPDATE $inside SET v = 'b'; SELECT string_agg(op, '' ORDER BY changed_at) FROM schemakit.audit_history('$inside', '{\"id\": 1}')");
    }
    is($told{restored}, $told{twin}, "the first command is $first");
    $node->safe_psql('postgres', "DROP DATABASE $_") for 'restored', 'twin';
}

# restored without triggers, and written to before they are there
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
runs_clean([ 'pg_dump', @to, '-Fc', '-f', "$dir/custom", 'shop' ], 'dump');
runs_clean([ 'pg_restore', @to, '--section=pre-data', '--section=data', '-d', 'restored', "$dir/custom" ], 'restore without triggers');
is($node->safe_psql('restored', q{SELECT state FROM schemakit.status() WHERE relid = 'gap'::regclass}), 'missing trigger', 'status() shows that they are missing');
$node->safe_psql('restored', q{ALTER TABLE gap ADD PRIMARY KEY (id); UPDATE gap SET v = 'unseen'; SELECT schemakit.audit_enable('gap')});
my ($code, $out, $err) = $node->psql('restored', "SELECT * FROM schemakit.audit_as_of(NULL::gap, '$then')");
like($err, qr/Changes of the table were not recorded for some time/, 'what happened meanwhile is a gap');

$node->stop;
done_testing();
