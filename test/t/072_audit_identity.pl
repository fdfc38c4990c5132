# Copies of tables: one that is loaded beside its original, under another name or in
# another database, is written to like any table, and has a history of its own.
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
my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @to);

$node->safe_psql('postgres', q{CREATE ROLE app LOGIN; CREATE ROLE other LOGIN; CREATE DATABASE shop});
$node->safe_psql('shop', q{
CREATE EXTENSION schemakit;
GRANT CREATE ON DATABASE shop TO app, other;
CREATE SCHEMA tenant AUTHORIZATION app;
SET ROLE app;
CREATE TABLE tenant.users (id int PRIMARY KEY, name text);
CREATE TABLE tenant.parts (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE tenant.parts_1 PARTITION OF tenant.parts FOR VALUES IN (1);
SELECT schemakit.audit_enable('tenant.users'), schemakit.audit_enable('tenant.parts');
INSERT INTO tenant.users VALUES (1, 'ann');
INSERT INTO tenant.parts VALUES (1);
});

# Which table of the log it is, for each schema and table
sub identities
{
    my ($db) = @_;
    return $node->safe_psql($db, q{SELECT DISTINCT ON (1) format('%I.%I', schema_name, table_name), rel_id FROM schemakit.audit_shape ORDER BY 1, shape_id DESC});
}

# The file, with other names
sub edit
{
    my ($from, $to, @edits) = @_;
    my $text = slurp_file("$dir/$from");
    while (my ($what, $by) = splice(@edits, 0, 2))
    {
        $text =~ s/\b$what\b/$by/g;
    }
    unlink "$dir/$to";
    append_to_file("$dir/$to", $text);
    return;
}

# Writes to the copy, and sees that it has a history of its own.
sub is_apart
{
    my ($db, $schema, $way) = @_;
    my $before = $node->safe_psql($db, q{SELECT count(*) FROM schemakit.audit_log WHERE table_name LIKE 'tenant.%'});
    $node->safe_psql($db, qq{INSERT INTO $schema.users VALUES (2, 'bob'); UPDATE $schema.users SET name = 'x' WHERE id = 1; DELETE FROM $schema.parts; INSERT INTO $schema.parts VALUES (1)});
    is( $node->safe_psql($db, qq{SELECT count(*) FROM schemakit.audit_log WHERE table_name LIKE '$schema.%'}), '4', "$way: four events");
    is( $node->safe_psql($db, q{SELECT count(*) FROM schemakit.audit_log WHERE table_name LIKE 'tenant.%'}), $before, "$way: none of them is another table's");
    is( $node->safe_psql($db, qq{SELECT count(*) FROM (SELECT rel_id FROM schemakit.audit_shape WHERE schema_name IN ('tenant', '$schema') GROUP BY 1 HAVING count(DISTINCT (schema_name, table_name)) > 1) AS shared}),
        '0', "$way: no identity is shared");
    is( $node->safe_psql($db, qq{SELECT string_agg(op, '' ORDER BY changed_at) FROM schemakit.audit_history('tenant.users', '{"id": 1}')}), 'I', "$way: the original's history is as it was");
    is( $node->safe_psql($db, q{SELECT count(*) FROM schemakit.status() WHERE feature = 'audit' AND relid IS NOT NULL AND state <> 'ok'}), '0', "$way: all is covered");
    return;
}

# a tenant is cloned, in several ways
runs_clean([ 'pg_dump', @to, '-n', 'tenant', '-f', "$dir/tenant.sql", 'shop' ], 'dump of a schema');
edit('tenant.sql', 'clone.sql', 'tenant', 'clone');
runs_clean([ @psql, '-d', 'shop', '-f', "$dir/clone.sql" ], 'clone');
is_apart('shop', 'clone', 'clone');
edit('tenant.sql', 'clone_by_app.sql', 'tenant', 'clone_by_app');
runs_clean([ @psql, '-d', 'shop', '-U', 'app', '-f', "$dir/clone_by_app.sql" ], 'clone, by its owner');
is_apart('shop', 'clone_by_app', 'clone, by its owner');
for my $part ('s', 'a')
{
    runs_clean([ 'pg_dump', @to, "-$part", '-n', 'tenant', '-f', "$dir/$part.sql", 'shop' ], "dump of a schema, -$part");
    edit("$part.sql", "$part.clone.sql", 'tenant', 'parted');
    runs_clean([ @psql, '-d', 'shop', '-f', "$dir/$part.clone.sql" ], "clone, -$part");
}
is_apart('shop', 'parted', 'clone in two parts');

# the original is renamed, and its dump restored in its place, by another role too
my ($original) = identities('shop') =~ /^tenant.users\|(\d+)$/m;
$node->safe_psql('shop', 'ALTER SCHEMA tenant RENAME TO former');
runs_clean([ @psql, '-d', 'shop', '-f', "$dir/tenant.sql" ], 'restore beside the renamed original');
$node->safe_psql('shop', q{INSERT INTO tenant.users VALUES (2, 'new'); INSERT INTO former.users VALUES (3, 'old')});
like(identities('shop'), qr/^former.users\|$original$/m, 'the renamed one keeps its identity');
unlike(identities('shop'), qr/^tenant.users\|$original$/m, 'the restored one has its own');
$node->safe_psql('shop', 'DROP SCHEMA tenant CASCADE; ALTER SCHEMA former RENAME TO tenant');

# dropped, and restored from the dump: by its owner it goes on, by another role it does not
$node->safe_psql('shop', 'DROP SCHEMA tenant CASCADE');
edit('tenant.sql', 'other.sql', 'app', 'other');
runs_clean([ @psql, '-d', 'shop', '-f', "$dir/other.sql" ], 'restore, as another role\'s');
$node->safe_psql('shop', q{INSERT INTO tenant.users VALUES (2, 'other')});
unlike(identities('shop'), qr/^tenant.users\|$original$/m, 'another role\'s table does not go on with the history');
$node->safe_psql('shop', 'DROP SCHEMA tenant CASCADE');
runs_clean([ @psql, '-d', 'shop', '-f', "$dir/tenant.sql" ], 'restore');
$node->safe_psql('shop', q{INSERT INTO tenant.users VALUES (2, 'app')});
like(identities('shop'), qr/^tenant.users\|$original$/m, 'its owner\'s does');

# a database and its copies
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE shop');
my $before = identities('copy');
$node->safe_psql('copy', q{INSERT INTO tenant.users VALUES (3, 'copy'); INSERT INTO clone.users VALUES (3, 'copy')});
is(identities('copy'), $before, 'a copy by TEMPLATE goes on');
is($node->safe_psql('copy', q{SELECT string_agg(op, '' ORDER BY changed_at) FROM schemakit.audit_history('tenant.users', '{"id": 1}')}), 'ISS', 'with its history, and that the table was dropped and came back');

# a dump of the whole database, with other names in all of it
my %variant = (
    'renamed' => [ [], 'tenant', 'renamed', 'renamed' ],
    'without a table' => [ [ '-T', 'tenant.parts*' ], 'x', 'x', 'tenant' ],
    'without owners' => [ ['-O'], 'x', 'x', 'tenant' ]);
for my $way (sort keys %variant)
{
    my ($options, $from, $to, $schema) = @{ $variant{$way} };
    runs_clean([ 'pg_dump', @to, @$options, '-f', "$dir/whole.sql", 'shop' ], "dump, $way");
    edit('whole.sql', 'target.sql', $from, $to);
    $node->safe_psql('postgres', 'DROP DATABASE IF EXISTS target');
    $node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE template0');
    runs_clean([ @psql, '-d', 'target', '-f', "$dir/target.sql" ], "restore, $way");
    $node->safe_psql('target', qq{INSERT INTO $schema.users VALUES (9, 'target')});
    like(identities('target'), qr/^$schema.users\|$original$/m, "$way: the history goes on");
    is( $node->safe_psql('target', qq{SELECT string_agg(op, '' ORDER BY changed_at) FROM schemakit.audit_history('$schema.users', '{"id": 1}')}), 'ISS', "$way: and can be read");
}

# a table that the dump left out, made by somebody else
runs_clean([ 'pg_dump', @to, '-T', 'tenant.users', '-f', "$dir/whole.sql", 'shop' ], 'dump without a table');
$node->safe_psql('postgres', 'DROP DATABASE target');
$node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE template0');
runs_clean([ @psql, '-d', 'target', '-f', "$dir/whole.sql" ], 'restore without it');
$node->safe_psql('target', q{GRANT ALL ON SCHEMA tenant TO other});
$node->safe_psql('target', q{SET ROLE other; CREATE TABLE tenant.users (id int PRIMARY KEY, name text); SELECT schemakit.audit_enable('tenant.users'); INSERT INTO tenant.users VALUES (1, 'forged')});
is($node->safe_psql('target', q{SELECT string_agg(op, '' ORDER BY changed_at) FROM schemakit.audit_history('tenant.users', '{"id": 1}')}), 'I', 'has nothing of its history');
unlike(identities('target'), qr/^tenant.users\|$original$/m, 'nor its identity');

$node->stop;
done_testing();
