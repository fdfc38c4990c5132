# What it costs to read the past in a large log (BigLog.pm): the history of a row, a row
# and a whole table as they were, and rows that had a value.  CPU time of the server
# process, and its memory.
#
# LOG_ROWS=1000000 is the size that the bars are for: ten million events over 24 months.
# By default it is a tenth, and what a whole table takes is multiplied by ten.
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
END$$});
show_machine($session);
print "$log->{events} events in ", $session->sql('SELECT count(DISTINCT tableoid) FROM schemakit.audit_event'), " partitions, $rows rows\n\n",
  "| | CPU ms of a call, median of $rounds times $calls | middle half | goal |\n|---|---|---|---|\n";
for (['the history of a row', 1, $rows, q{SELECT count(*) FROM schemakit.audit_history('big.orders', '{"id": #}')}],
	['a row as it was', 1, $rows, q{SELECT v FROM schemakit.audit_as_of(NULL::big.orders, big.past(), '{"id": #}')}],
	['the ten rows that had a value', 25, $rows / 10 - 1, q{SELECT min(v) FROM schemakit.audit_as_of(NULL::big.orders, (SELECT at FROM big.moments WHERE round = 9), '{"order_id": #}') HAVING count(*) > 8}])
{
	my ($title, $goal, $many, $query) = @$_;
	my $count = $goal > 1 ? 5 : $calls;
	$query =~ s/min\(v\)/min(v) - 4/ if $goal > 1;
	my @took;
	$session->sql("SELECT big.call(\$\$$query\$\$, $many, 2)");
	for my $round (1 .. $rounds)
	{
		my ($cpu) = $session->measure("SELECT big.call(\$\$$query\$\$, $many, $count)");
		push @took, $cpu / $count;
	}
	printf("| %s | %.2f | %s | %s |\n", $title, median(@took), spread('%.2f', @took),
		$goal > 1 ? '' : bar("audit, $title in a log of $log->{events} events: ms of CPU", $goal, '%.2f', @took));
}

print "\n| $rows rows as of | CPU s | middle half | MB more than work_mem | goals |\n|---|---|---|---|---|\n";
for ([ 'five updates ago', 5, 4 ], [ 'one update ago', 9, 8 ])
{
	my ($title, $round, $v) = @$_;
	my $query = "SELECT count(*) FILTER (WHERE v = $v) FROM schemakit.audit_as_of(NULL::big.orders, (SELECT at FROM big.moments WHERE round = $round))";
	my (@took, @memory);
	die "not all rows were as they were\n" if $session->sql($query) != $rows;
	for (1 .. $rounds > 3 ? 3 : $rounds)
	{
		my $fresh = Bench->connect($ENV{PGDATABASE} // 'bench');
		$fresh->sql("SET work_mem = '${work_mem}MB'");
		my $before = $fresh->cpu;
		push @memory, $fresh->peak($query) - $work_mem;
		push @took, ($fresh->cpu - $before) / 1e9;
	}
	printf("| %s | %.2f | %s | %.0f | %s |\n", $title, median(@took), spread('%.2f', @took), median(@memory), $round != 5 ? '' : join('; ',
		bar('audit, a table of a million rows as of five updates ago: s of CPU', 10, '%.1f', map { $_ * $scale } @took),
		bar("audit, memory for $rows rows as of five updates ago: MB more than work_mem", 64, '%.0f', @memory)));
}
$session->sql('DROP SCHEMA big CASCADE; TRUNCATE schemakit.audit_event');
