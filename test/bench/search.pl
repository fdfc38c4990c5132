# What it costs to find something in a large log: pages of audit_search(), batches of
# audit_changes(), and conditions on time on the view; CPU time of the server process.
#
# LOG_ROWS=1000000 gives the log of ten million events that the bars of 50 ms are for; by
# default it is a tenth.  Each is also compared with a statement that reads the events of
# the current month once, which is run beside it: the ratio is about the same for any size
# of the log, and whatever else the machine does.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Bench;
use BigLog;

my $rounds = $ENV{ROUNDS} // 5;
my $session = Bench->connect($ENV{PGDATABASE} // 'bench');
show_machine($session);
my $log = BigLog::fill($session);
# months that are over get their indexes
my ($cpu, $wall) = $session->measure('SELECT count(*) FROM schemakit.audit_maintain()');
printf "a log of %d events over 24 months; making the indexes of months that are over took %.0f s\n\n", $log->{events}, $wall / 1000;
my ($heap, $indexes) = split /\|/, $session->sql(q{
SELECT sum(pg_table_size(i.indrelid)) FILTER (WHERE c.relname ~ '_key_hash_idx$') / 1e6, sum(pg_relation_size(c.oid)) FILTER (WHERE c.relname ~ '_(table|actor|txn|value)_idx$') / 1e6
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE c.relname ~ '^audit_event_p'});
printf "events %.0f MB, these indexes %.0f MB\n\n", $heap, $indexes;

my @questions = (
	[ 'the newest', '' ],
	[ 'all by an actor in the last week', q{'user5', from_at => now() - interval '7 days'} ],
	[ 'all of a table today', q{tables => '{big.orders}', from_at => now() - interval '1 day'} ],
	[ 'a table with one event in a hundred', q{tables => '{big.customers}'} ],
	[ 'an actor with 50 transactions in two years', q{'auditor'} ],
	[ 'an actor who is not there', q{'nobody'} ],
	[ 'deletes', q{op => 'D'} ],
	[ 'TRUNCATE, of which there is none', q{op => 'T'} ],
	[ 'inserts of two years ago', q{op => 'I', tables => '{big.orders}'} ],
	[ 'a column that changed in one month', q{columns => '{order_id}'} ],
	[ 'a column that nobody changed', q{columns => '{customer}'} ],
	[ 'a value that ten rows had', q{value => '{"order_id": 7}'} ],
	[ 'a value that nobody had', q{value => '{"order_id": -7}'} ],
	[ 'a value that is frequent', q{value => '{"status": "s1"}'} ],
	[ 'an actor, and a value that is rare', q{'user5', value => '{"order_id": 7}'} ],
	[ 'a year ago', q{to_at => now() - interval '1 year'} ]);

# what none of them may take more than by much: the current month, read once
my $month = q{SELECT count(*) FROM schemakit.audit_event WHERE at >= date_trunc('month', now(), 'UTC') AND op = 'X'};
$session->sql("SET max_parallel_workers_per_gather = 0; $month");
print "| what | rows | CPU, ms | against reading the current month | goal, ms |\n|---|---|---|---|---|\n";
sub show
{
	my ($what, $goal, $query) = @_;
	my $rows = $session->sql($query);
	my (@cost, @ratio);
	for (1 .. $rounds)
	{
		my ($one) = $session->measure($month);
		push @cost, ($session->measure($query))[0];
		push @ratio, $cost[-1] / $one;
	}
	printf "| %s | %s | %.1f | %.2f (%s) | %s |\n", $what, $rows, median(@cost), median(@ratio), spread('%.2f', @ratio),
		bar("$what, in a log of $log->{events} events: ms of CPU", $goal, '%.1f', @cost);
}
show("audit_search(): $_->[0]", 50, "SELECT count(*) FROM schemakit.audit_search($_->[1])") for @questions;
show('audit_changes(): the first 1,000 of the whole log', 50, 'SELECT count(*) FROM schemakit.audit_changes(max_rows => 1000)');
my $position = $session->sql('SELECT position FROM schemakit.audit_changes(max_rows => 1000) LIMIT 1');
show('audit_changes(): the next 1,000', 50, "SELECT count(*) FROM schemakit.audit_changes('$position', max_rows => 1000)");
$position = $session->sql('SELECT schemakit.audit_position()');
show('audit_changes(): nothing new', 50, "SELECT count(*) FROM schemakit.audit_changes('$position', max_rows => 1000)");
# The server takes the plan on all partitions for expensive, and would compile it for longer
# than it runs.
$session->sql('SET jit = off');
show('audit_log: of a table, of a day', 50, q{SELECT count(*) FROM schemakit.audit_log WHERE table_name = 'big.customers' AND at >= now() - interval '1 day'});
$session->sql('DROP SCHEMA big CASCADE; TRUNCATE schemakit.audit_event');
