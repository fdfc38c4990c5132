# What it costs to read the past in a large log (BigLog.pm): the history of a row, a row
# and a whole table as they were, and rows that had a value.  CPU time of the server
# process, and its memory.
#
# LOG_ROWS=1000000 is the size that the bars are for: ten million events over 24 months.
# By default it is a tenth, and what a whole table takes is multiplied by ten.
#
# Each is also compared with what the server itself takes for a part of it, run beside it: to
# find the events of a row by their key in all partitions, or to read the events since a time
# and sort them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;
use BigLog;

my $rounds = $ENV{ROUNDS} // 7;
my $calls = 200;
my $work_mem = 16;    # MB
my $session = Bench->connect($ENV{PGDATABASE} // 'bench');
my $log = BigLog::fill($session, rows => $ENV{LOG_ROWS} // 100_000);
$session->sql('SELECT count(*) FROM schemakit.audit_maintain()');    # indexes of months that are over
my $rows = $log->{rows};
my $scale = 1_000_000 / $rows;

$session->sql(q{CREATE FUNCTION big.past() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM big.moments WHERE round = 5';
CREATE FUNCTION big.call(query text, many int, calls int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found bigint;
BEGIN
    FOR i IN 1..calls LOOP
        EXECUTE replace(query, '#', (1 + floor(random() * many)::int)::text) INTO found;
        ASSERT found IN (4, 10), found;
    END LOOP;
END$$;
CREATE FUNCTION big.probe(many int, calls int) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    hash bigint := rel_id << 48 FROM big.log WHERE rel = 'orders';
    wanted bigint;
    found bigint;
BEGIN
    FOR i IN 1..calls LOOP
        wanted := hash + 1 + floor(random() * many)::int;
        SELECT count(*) INTO found FROM schemakit.audit_event WHERE key_hash = wanted;
    END LOOP;
END$$});
show_machine($session);
print "$log->{events} events in ", $session->sql('SELECT count(DISTINCT tableoid) FROM schemakit.audit_event'), " partitions, $rows rows\n\n",
  "| | CPU ms of a call, median of $rounds times $calls | middle half | against finding the events of a row | goal |\n|---|---|---|---|---|\n";
for (['the history of a row', 1, $rows, q{SELECT count(*) FROM schemakit.audit_history('big.orders', '{"id": #}')}],
	['a row as it was', 1, $rows, q{SELECT v FROM schemakit.audit_as_of(NULL::big.orders, big.past(), '{"id": #}')}],
	['the ten rows that had a value', 25, $rows / 10 - 1, q{SELECT min(v) FROM schemakit.audit_as_of(NULL::big.orders, (SELECT at FROM big.moments WHERE round = 9), '{"order_id": #}') HAVING count(*) > 8}])
{
	my ($title, $goal, $many, $query) = @$_;
	my $count = $goal > 1 ? 5 : $calls;
	$query =~ s/min\(v\)/min(v) - 4/ if $goal > 1;
	my (@took, @ratio);
	$session->sql("SELECT big.probe($rows, 2)");
	$session->sql("SELECT big.call(\$\$$query\$\$, $many, 2)");
	for my $round (1 .. $rounds)
	{
		my ($cpu) = $session->measure("SELECT big.call(\$\$$query\$\$, $many, $count)");
		my ($probe) = $session->measure("SELECT big.probe($rows, $calls)");
		push @took, $cpu / $count;
		push @ratio, $took[-1] / $probe * $calls;
	}
	printf("| %s | %.2f | %s | %.2f (%s) | %s |\n", $title, median(@took), spread('%.2f', @took), median(@ratio), spread('%.2f', @ratio),
		$goal > 1 ? '' : bar("audit, $title in a log of $log->{events} events: ms of CPU", $goal, '%.2f', @took));
}

print "\n| $rows rows as of | CPU s | middle half | against reading and sorting the events | MB more than work_mem | goals |\n|---|---|---|---|---|---|\n";
for ([ 'five updates ago', 5, 4 ], [ 'one update ago', 9, 8 ])
{
	my ($title, $round, $v) = @$_;
	my $query = "SELECT count(*) FILTER (WHERE v = $v) FROM schemakit.audit_as_of(NULL::big.orders, (SELECT at FROM big.moments WHERE round = $round))";
	my $sort = "SELECT count(*) FROM (SELECT key_hash, key, old FROM schemakit.audit_event WHERE at > (SELECT at FROM big.moments WHERE round = $round) ORDER BY key_hash OFFSET 0) AS s";
	my (@took, @memory, @ratio);
	die "not all rows were as they were\n" if $session->sql($query) != $rows;
	for (1 .. $rounds > 3 ? 3 : $rounds)
	{
		my $fresh = Bench->connect($ENV{PGDATABASE} // 'bench');
		$fresh->sql("SET work_mem = '${work_mem}MB'; SET max_parallel_workers_per_gather = 0");
		my $before = $fresh->cpu;
		push @memory, $fresh->peak($query) - $work_mem;
		push @took, ($fresh->cpu - $before) / 1e9;
		push @ratio, $took[-1] * 1000 / ($fresh->measure($sort))[0];
	}
	printf("| %s | %.2f | %s | %.2f (%s) | %.0f | %s |\n", $title, median(@took), spread('%.2f', @took),
		median(@ratio), spread('%.2f', @ratio), median(@memory), $round != 5 ? '' : join('; ',
		bar('audit, a table of a million rows as of five updates ago: s of CPU', 10, '%.1f', map { $_ * $scale } @took),
		bar("audit, memory for $rows rows as of five updates ago: MB more than work_mem", 64, '%.0f', @memory)));
}
$session->sql('DROP SCHEMA big CASCADE; TRUNCATE schemakit.audit_event');
