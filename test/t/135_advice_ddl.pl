# Tables that are dropped, renamed or altered while advice is made, at each call of the
# planner: what is gone is left out, and what is said has its name.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# verbose: an error's SQLSTATE and place are in the log
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nlog_error_verbosity = verbose");
$node->start;

# The planner evaluates meanwhile(): its call with the number "test.at" has another
# session run "test.command".
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit;
	CREATE SEQUENCE calls;
	CREATE TABLE slow AS SELECT i AS a, i AS b, i AS c FROM generate_series(1, 5000) AS i; CREATE INDEX slow_ab ON slow (a, b); CREATE INDEX slow_a ON slow (a); ANALYZE slow;
	CREATE FUNCTION count_call() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF nextval('calls') = current_setting('test.at')::bigint THEN
			EXECUTE format('COPY (SELECT) TO PROGRAM %L', current_setting('test.command'));
		END IF;
	END $$;
	CREATE FUNCTION meanwhile(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM count_call();
		RETURN $1;
	END $$});
# of "taken" one index is advised, one is refused and two can be merged; "unknown" was never analyzed
my $tables = q{DROP SCHEMA IF EXISTS app, other CASCADE; CREATE SCHEMA app; CREATE SCHEMA other; ALTER SEQUENCE calls RESTART;
	CREATE TABLE app.taken (id int PRIMARY KEY, a int, b int, c int, d int, e int, "f g" text);
	INSERT INTO app.taken SELECT i, i % 500, i % 700, i, i, i, repeat('x', 200) FROM generate_series(1, 5000) AS i; VACUUM ANALYZE app.taken;
	CREATE INDEX twice_1 ON app.taken (c, d); CREATE INDEX twice_2 ON app.taken (c, d);
	CREATE TABLE app.refers (t int REFERENCES app.taken); INSERT INTO app.refers SELECT i FROM generate_series(1, 5000) AS i; ANALYZE app.refers;
	CREATE TABLE app.whole (k int, v int) PARTITION BY RANGE (k); CREATE TABLE app.part PARTITION OF app.whole DEFAULT;
	INSERT INTO app.whole SELECT i, i FROM generate_series(1, 5000) AS i; ANALYZE app.whole;
	CREATE TABLE app.unknown (u int, v int); INSERT INTO app.unknown SELECT i, i FROM generate_series(1, 5000) AS i};
my $queries = q{ARRAY['SELECT a, d FROM app.taken WHERE a = 7', 'SELECT a, e FROM app.taken WHERE a = 9', 'SELECT * FROM app.taken WHERE b = 7 AND "f g" > $1',
	'SELECT * FROM app.whole WHERE v = 3', 'SELECT * FROM app.unknown WHERE v = 3 ORDER BY u',
	'DELETE FROM app.taken WHERE id = $1', 'SELECT * FROM slow WHERE b = meanwhile(3) AND c = 5'], ARRAY[100, 100, 1, 10, 10, 1, 1]};

# What a call prints on both channels if this is done at one call of the planner; and
# whether it was.
sub told
{
	my ($at, $ddl, $call) = @_;
	my $command = sprintf q{PGOPTIONS=-clock_timeout=5s %s -X -q -h '%s' -p %s -d postgres -v ON_ERROR_STOP=1 -c '%s'}, $node->config_data('--bindir') . '/psql', $node->host, $node->port, $ddl;
	$command =~ s/'/''/g;
	$node->safe_psql('postgres', $tables);
	my ($code, $out, $err) = $node->psql('postgres', "SET test.at = $at; SET test.command = '$command'; SELECT * FROM $call");
	BAIL_OUT("no server: $err") if $code == 2;
	return ("$code $out $err", $node->safe_psql('postgres', 'SELECT last_value FROM calls') >= $at);
}

my $rows = "schemakit.advise_indexes($queries, min_benefit => 0.2)";
my $report = "schemakit.advise_indexes_report($queries, min_benefit => 0.2)";
my ($usual) = told(1000, 'SELECT 1', $rows);
like($usual, qr/NOTICE:  table "app\.unknown" has never been analyzed/, 'a table that search_path does not find is named with its schema');
like($usual, qr/ON app\.taken USING btree \(a\) INCLUDE \(d, e\)/, 'indexes are merged');
like($usual, qr/DROP INDEX CONCURRENTLY app\.twice_2/, 'and found to drop');
like((told(1000, 'SELECT 1', $report))[0], qr/"CREATE INDEX ON app\.whole USING btree \(v\)/, 'and one is not advised');

my %ddl = (
	'dropped tables' => ['DROP TABLE app.taken, app.refers, app.whole, app.unknown', qr/app\.(?:taken|refers|whole|unknown)\b(?!\\?" does not exist)/],
	'dropped schemas' => ['DROP SCHEMA app CASCADE', qr/\bON app\.|"app\.unknown" has/],
	'other names' => ['ALTER TABLE app.taken RENAME TO gone; ALTER TABLE app.unknown SET SCHEMA other; ALTER INDEX app.twice_1 RENAME TO once; ALTER INDEX app.twice_2 RENAME TO thrice', undef],
	'dropped columns' => ['ALTER TABLE app.taken DROP a, DROP b, DROP d, DROP e; ALTER TABLE app.unknown DROP u, DROP v; ALTER TABLE app.refers DROP t', qr/ADD .* \(a\)/],
	'other types' => ['ALTER TABLE app.taken ALTER a TYPE point USING NULL, ALTER b TYPE text, ALTER d TYPE text; ALTER TABLE app.unknown ALTER v TYPE text', undef],
	'dropped indexes' => ['DROP INDEX app.twice_1', qr/DROP INDEX CONCURRENTLY app\.twice_1\b/]);
for my $what (sort keys %ddl)
{
	my ($ddl, $unlike) = @{ $ddl{$what} };
	my ($times, @bad) = (0);
	for my $at (1 .. 30)
	{
		my $called;
		for my $call ($rows, $report)
		{
			(my $out, $called) = told($at, $ddl, $call);
			last if !$called;
			# the statements themselves name what there was
			$out =~ s/"statement": "(?:[^"\\]|\\.)*"//g;
			push @bad, "$at: $out" if $out !~ /\A0 / || $out =~ /\(null\)|pg\.dropped/ || (defined $unlike && $out =~ $unlike);
		}
		last if !$called;
		$times++;
	}
	cmp_ok($times, '>=', 4, "$what, at each of $times calls of the planner");
	is(join("\n", @bad), '', 'advice on what is there');
}
is(internal_errors($node), '', 'and nothing is broken');
$node->stop;
done_testing();
