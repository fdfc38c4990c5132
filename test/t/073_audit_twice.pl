# A dump that is loaded a second time adds nothing to the log, and says so.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{CREATE EXTENSION schemakit; CREATE TABLE a (id int PRIMARY KEY, s text);
    SELECT schemakit.audit_enable('a', mask => '{"s": "hash"}'); INSERT INTO a SELECT i, i FROM generate_series(1, 5) AS i;
    BEGIN; UPDATE a SET s = 'x'; COMMIT;
    SELECT schemakit.audit_hold('a', '{"id": 1}', 'a row'), schemakit.audit_hold('a', NULL, 'all rows'), schemakit.audit_retain('a', '20 years'), schemakit.audit_mark('m');
    SET schemakit.audit_writable = on; UPDATE schemakit.audit_event SET at = at - interval '5 years' WHERE op = 'U';
    INSERT INTO schemakit.audit_retention VALUES ('2001-01-01', now(), 'x', NULL, NULL), ('2001-01-01', now(), 'x', 5, NULL)});
my $dir = $node->basedir;
my $count = join ' || \' \' || ', map { "(SELECT count(*) FROM schemakit.$_)" } qw(audit_event audit_shape audit_secret audit_holds audit_retention audit_marks audit_retained);
my $expected = $node->safe_psql('source', "SELECT $count");

sub restore
{
    my @command = @_;
    my ($out, $err);
    IPC::Run::run([@command], '>', \$out, '2>', \$err);
    return $err;
}
for my $format (qw(custom inserts))
{
    my $file = "$dir/$format";
    my $db = "with_$format";
    $node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-f', $file, $format eq 'custom' ? '-Fc' : '--inserts' ], "$format: pg_dump");
    my @load = $format eq 'custom' ? ('pg_restore', '-d', $node->connstr($db), $file) : ('psql', '-XqAt', '-d', $node->connstr($db), '-f', $file);
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    is(restore(@load), '', "$format: it is loaded");
    is($node->safe_psql($db, "SELECT $count"), $expected, 'all of it');
    like(restore(@load), qr/the events of this database have been loaded already/, 'a second time it is refused');
    is($node->safe_psql($db, "SELECT $count"), $expected, 'and nothing is added');
    is($node->safe_psql($db, q{UPDATE a SET s = 'own' WHERE id = 1; SELECT string_agg(op, '' ORDER BY changed_at) FROM schemakit.audit_history('a', '{"id": 1}')}),
        'IUU', 'the history goes on');
    like(restore(@load), qr/cannot change the audit log/, 'then it is refused as other changes of the log');
}
# what this database has loaded is loaded elsewhere with its own
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('with_custom'), '-f', "$dir/next" ], 'pg_dump of the copy');
$node->safe_psql('postgres', 'CREATE DATABASE next');
is(restore('pg_restore', '-d', $node->connstr('next'), "$dir/next"), '', 'it is loaded');
is($node->safe_psql('next', "SELECT $count"), $node->safe_psql('with_custom', "SELECT $count"), 'with events of both databases');
like(restore('pg_restore', '-d', $node->connstr('next'), "$dir/next"), qr/the events of this database have been loaded already/, 'once');
is(restore('pg_restore', '--clean', '-d', $node->connstr('next'), "$dir/next"), '', 'with --clean it takes the place of what there was');
is($node->safe_psql('next', "SELECT $count"), $node->safe_psql('with_custom', "SELECT $count"), 'completely');
done_testing();
