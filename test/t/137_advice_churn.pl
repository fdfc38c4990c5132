# Two sessions drop, rename, detach and create tables without a pause while others ask for
# advice on them.  What a session finds gone is an error of one statement: the server
# neither crashes nor names a table that has no name.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{SEED} || int(rand(1 << 30));
my $calls = $ENV{CALLS} || 150;
note "SEED=$seed CALLS=$calls";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nfsync = off\nlog_error_verbosity = verbose\nlog_min_messages = warning");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit; SET client_min_messages = error;
	CREATE TABLE par (id int PRIMARY KEY); INSERT INTO par SELECT generate_series(1, 1000);
	CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM pg_sleep(0.005); RETURN i; END$$;
	CREATE TABLE e (a int, b int, c int); INSERT INTO e SELECT i, i, i FROM generate_series(1, 5000) AS i; ANALYZE});

# One is about columns, indexes, names, partitions, foreign keys and schemas each.
my @churn = (
	q{DROP TABLE IF EXISTS d CASCADE; CREATE TABLE d (id int PRIMARY KEY, owner int, filler text); INSERT INTO d SELECT i, i % 1000, repeat('x', 100) FROM generate_series(1, 5000) AS i; ANALYZE d},
	q{DROP INDEX IF EXISTS d_o, d_o2; CREATE INDEX d_o ON d (owner); CREATE INDEX d_o2 ON d (owner, filler)},
	q{ALTER TABLE d RENAME TO dd; ALTER TABLE dd RENAME TO d},
	q{DROP TABLE IF EXISTS chi; CREATE TABLE chi (id int PRIMARY KEY, p int REFERENCES par); INSERT INTO chi SELECT i, i % 1000 + 1 FROM generate_series(1, 5000) AS i; ANALYZE chi},
	q{DROP TABLE IF EXISTS pp; CREATE TABLE pp (id int, o int) PARTITION BY RANGE (id); CREATE TABLE pp1 PARTITION OF pp FOR VALUES FROM (0) TO (3000); CREATE TABLE pp2 PARTITION OF pp DEFAULT; INSERT INTO pp SELECT i, i % 500 FROM generate_series(1, 5000) AS i; CREATE INDEX pp_1 ON pp (o); CREATE INDEX pp_2 ON pp (o); ANALYZE pp},
	q{DROP SCHEMA IF EXISTS z CASCADE; CREATE SCHEMA z; CREATE TABLE z.zt (id int PRIMARY KEY, o int); INSERT INTO z.zt SELECT i, i % 999 FROM generate_series(1, 5000) AS i; ANALYZE z.zt},
	q{ALTER TABLE d DROP COLUMN IF EXISTS owner; ALTER TABLE d ADD COLUMN owner int; UPDATE d SET owner = id % 1000; ANALYZE d},
	q{ALTER TABLE pp DETACH PARTITION pp1; DROP TABLE pp1},
	q{DROP SCHEMA IF EXISTS z CASCADE});
my $arguments = q{ARRAY['SELECT * FROM d WHERE owner = 7', 'SELECT * FROM pp WHERE o = 7', 'SELECT * FROM z.zt WHERE o = 3', 'INSERT INTO d (id) VALUES ($1)',
	'DELETE FROM par WHERE id = $1', 'SELECT * FROM e WHERE a = slow(7)', 'SELECT * FROM e WHERE b = slow(3)', 'SELECT * FROM chi WHERE p = 3',
	'INSERT INTO z.zt VALUES ($1)', 'SELECT * FROM e WHERE c = slow(3)'], ARRAY[1, 1, 1, 1e6, 10, 0.001, 0.001, 1, 1e6, 0.001]};
my @advice = ("SELECT 'answered', count(*) FROM schemakit.advise_indexes($arguments)",
	"SELECT 'answered', pg_catalog.jsonb_array_length(r -> 'not_advised') FROM schemakit.advise_indexes_report($arguments) AS r");

# A session that runs these statements, whatever becomes of each.
my $sessions = 0;
sub session
{
	my ($script, $out, $err) = ($node->basedir . '/session' . ++$sessions . '.sql', '', '');
	append_to_file($script, join('', map { "$_;\n" } @_));
	my $run = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-f', $script ], '<', \'', '>', \$out, '2>', \$err);
	return { run => $run, out => \$out, err => \$err };
}

$node->safe_psql('postgres', "SET client_min_messages = error; $_") for @churn[0, 3, 4, 5];
my @readers = map { session(map { $advice[ rand @advice ] } 1 .. $calls) } 1, 2;
my $done = 0;
my ($changes, %errors) = (0);
while (grep { IPC::Run::pumpable($_->{run}) } @readers)
{
	my (undef, undef, $err) = $node->psql('postgres', "SET client_min_messages = error; SET lock_timeout = '5s'; " . $churn[ rand @churn ]);
	$changes++;
	# one of them may be done before the other
	eval { $_->pump_nb if $_->pumpable } for map { $_->{run} } @readers;
	last if $err =~ /server closed|could not connect|in recovery/;
	sleep rand 0.05;
}
$_->{run}->finish for @readers;
my ($answered, $told) = (0, '');
for my $reader (@readers)
{
	$answered += () = ${ $reader->{out} } =~ /^answered\|/mg;
	$told .= ${ $reader->{err} };
}
note "$changes changes beside $answered answers, seed $seed";
cmp_ok($changes, '>=', $calls / 4, 'tables were changed meanwhile');
cmp_ok($answered, '>=', $calls, 'calls were answered');
like($told, qr/does not exist|could not open|was concurrently/, 'sessions met tables that were gone');
unlike($told, qr/\(null\)|server closed/, 'and told of nothing without a name');
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server is there');
is(internal_errors($node, sub { $_[0] =~ /cache lookup failed|could not open relation with OID|tuple concurrently/ }), '', 'and nothing is broken');
$node->stop;
done_testing();
