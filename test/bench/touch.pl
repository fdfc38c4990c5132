# What it costs to maintain updated_at: an UPDATE of 100,000 rows without a
# trigger, with schemakit.touch(), with contrib's moddatetime and with the
# usual PL/pgSQL function.  Every round runs all four, each on a fresh copy of
# the same table, and the ratios are those of the overheads within a round.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;

my $rounds = $ENV{ROUNDS} // 31;
my $rows = $ENV{ROWS} // 100_000;
my $session = Bench->connect($ENV{PGDATABASE} // 'bench');

$session->sql(q{
DROP SCHEMA IF EXISTS bench_touch CASCADE;
CREATE SCHEMA bench_touch;
SET search_path = bench_touch, public;
SET schemakit.timestamps_auto = off;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS moddatetime SCHEMA public;
CREATE EXTENSION IF NOT EXISTS schemakit;
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN NEW.updated_at = now(); RETURN NEW; END$$});

my %trigger = (
	'no trigger' => undef,
	'schemakit' => q{schemakit.touch('updated_at')},
	'moddatetime' => q{public.moddatetime('updated_at')},
	'PL/pgSQL' => q{bench_touch.set_updated_at()});
my @names = ('no trigger', 'schemakit', 'moddatetime', 'PL/pgSQL');

sub run
{
	my ($name) = @_;
	$session->sql(qq{
DROP TABLE IF EXISTS t;
CREATE TABLE t (id int PRIMARY KEY, name text, email text, status text,
	amount numeric(10,2), n int, created_at timestamptz, updated_at timestamptz);
INSERT INTO t SELECT i, 'name ' || i, 'user' || i || '\@example.com', 'active',
	i % 1000, i, now(), now() FROM generate_series(1, $rows) i;
VACUUM ANALYZE t});
	$session->sql("CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION $trigger{$name}")
	  if $trigger{$name};
	return $session->measure('UPDATE t SET n = n + 1');
}

run($_) for @names;    # warm up
my (%cpu, %wall);
for my $round (1 .. $rounds)
{
	for my $name ($round % 2 ? @names : reverse @names)
	{
		my ($cpu, $wall) = run($name);
		push @{ $cpu{$name} }, $cpu;
		push @{ $wall{$name} }, $wall;
	}
}

show_machine($session);
print "UPDATE of $rows rows of 8 columns, median of $rounds rounds:\n\n";
print "| trigger | CPU ms | middle half | wall ms | overhead, CPU µs per row |\n|---|---|---|---|---|\n";
for my $name (@names)
{
	printf("| %s | %.0f | %s | %.0f | %.2f |\n",
		$name, median(@{ $cpu{$name} }), spread('%.0f', @{ $cpu{$name} }),
		median(@{ $wall{$name} }), median(overhead($name)) * 1000 / $rows);
}

sub overhead
{
	my ($name) = @_;
	return map { $cpu{$name}[$_] - $cpu{'no trigger'}[$_] } 0 .. $rounds - 1;
}

my @schemakit = overhead('schemakit');
print "\n| overhead of schemakit.touch() | CPU, median | middle half | goal |\n|---|---|---|---|\n";
for (['moddatetime', 0.7], ['PL/pgSQL', 0.5])
{
	my ($name, $goal) = @$_;
	my @other = overhead($name);
	my @ratio = map { $schemakit[$_] / $other[$_] } 0 .. $rounds - 1;
	printf("| against that of %s | %.2f | %s | %s |\n", $name, median(@ratio), spread('%.2f', @ratio),
		bar("`updated_at`, UPDATE of $rows rows: overhead against that of $name", $goal, '%.2f', @ratio));
}
$session->sql('SET client_min_messages = warning; DROP SCHEMA bench_touch CASCADE');
