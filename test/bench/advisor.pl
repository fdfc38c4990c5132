# advise_indexes() on data and statements like TPC-H's, SF=0.1 unless set:
#
# * what it takes, and how much of the workload it could plan, from
#   pg_stat_statements;
# * what the statements take before and after the advised indexes are made,
#   beside what the advice says; and the statement that got slowest;
# * plans, costs and sizes with hypothetical indexes against those with real ones;
# * how fast it is cancelled;
# * for budgets from a tenth to all of the tables' size, the workload's cost, by
#   the planner, with its choice and with that of the Extend algorithm, and how
#   often each asked the planner.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;
use Extend;

my $sf = $ENV{SF} // 0.1;
my $rounds = $ENV{ROUNDS} // 5;
my $dir = "$FindBin::Bin/tpch";
my $db = 'bench_tpch';
system('dropdb', '--if-exists', $db) == 0 && system('createdb', $db) == 0 or die;
system("psql -X -q -v sf=$sf -d $db -f $dir/data.sql >/dev/null") == 0 or die;
my $session = Bench->connect($db);
$session->sql('CREATE EXTENSION schemakit; CREATE EXTENSION pg_stat_statements');

open(my $f, '<', "$dir/queries.sql") or die;
my @statements = grep { /\S/ } split /;\s*(?:--\s*\d+\s*)?/, do { local $/; <$f> };
s/^--\s*\d+\s*// for @statements;
show_machine($session);

sub run_all
{
	my ($n) = @_;
	my @ms;
	for (1 .. $n)
	{
		for my $i (0 .. $#statements)
		{
			my ($cpu, $wall) = $session->measure($statements[$i]);
			push @{ $ms[$i] }, $wall;
		}
	}
	return map { median(@$_) } @ms;
}

# ---- as a user would
$session->sql('SELECT pg_stat_statements_reset()');
my @before = run_all(1);
my ($cpu, $wall) = $session->measure('CREATE TABLE advice AS SELECT * FROM schemakit.advise_indexes()');
my $report = $session->sql(q{SELECT r->'coverage'->>'planned', r->'coverage'->>'statements',
 round((r->'coverage'->>'planned_ms')::numeric / (r->'coverage'->>'total_ms')::numeric * 100, 2), r->>'planner_calls', round((r->>'gap')::numeric, 4)
 FROM schemakit.advise_indexes_report() AS r});
my ($planned, $all, $share, $calls, $gap) = split /\|/, $report;
bar('advisor, statements of TPC-H that are planned: %', '>= 95', '%.1f', 100 * $planned / $all);
bar('advisor, their time: %', '>= 99', '%.1f', $share);
bar('advisor, advice for TPC-H: ms', 5000, '%.0f', $wall);
my $estimate = $session->sql('SELECT round(sum(workload_gain_pct)::numeric, 2) FROM advice');
print "Advice from pg_stat_statements: ", sprintf('%.0f', $wall), " ms ($calls plans, gap $gap); ",
  "$planned of $all statements planned, $share % of the time.\n\n";
for my $ddl (split /\n/, $session->sql('SELECT ddl FROM advice ORDER BY rank, step'))
{
	print "    $ddl\n";
	$session->sql($ddl);
}
$session->sql('VACUUM ANALYZE');
my @after = run_all($rounds);
my ($sum_before, $sum_after) = (0, 0);
$sum_before += $_ for @before;
$sum_after += $_ for @after;
printf "\n| statements | ms before | ms after | saved | saved, as advised |\n|---|---|---|---|---|\n| all %d | %.0f | %.0f | %.2f %% | %s %% |\n\n",
  scalar @statements, $sum_before, $sum_after, 100 * (1 - $sum_after / $sum_before), $estimate;

# Which statement has become slower?  Those that have not become much faster run with
# and without the indexes in turn.
my @names = map { /INDEX CONCURRENTLY (\S+) ON (\S+?)\./ ? "$2.$1" : () } split /\n/, $session->sql('SELECT ddl FROM advice');
my @same = grep { $after[$_] > $before[$_] / 2 } 0 .. $#statements;
my (%with, %without);
for my $round (1 .. 2 * $rounds + 1)
{
	$session->sql('BEGIN; DROP INDEX ' . join(', ', @names));
	push @{ $without{$_} }, ($session->measure($statements[$_]))[1] for @same;
	$session->sql('ROLLBACK');
	push @{ $with{$_} }, ($session->measure($statements[$_]))[1] for @same;
}
my ($slowest) = sort { median(@{ $with{$b} }) / median(@{ $without{$b} }) <=> median(@{ $with{$a} }) / median(@{ $without{$a} }) } @same;
my @times = map { $with{$slowest}[$_] / $without{$slowest}[$_] } 0 .. 2 * $rounds;
printf "Slowest against before: statement %d, %.1f ms before, %.1f after (%.2f)\n\n",
  $slowest + 1, median(@{ $without{$slowest} }), median(@{ $with{$slowest} }), median(@times);
bar('advisor, the statement of TPC-H that got slowest: after against before', '1.10', '%.2f', @times);
my @advised = grep { /^CREATE INDEX/ } map { s/CONCURRENTLY \S+ //r } split /\n/, $session->sql('SELECT ddl FROM advice');
$session->sql($_) for split /\n/, $session->sql('SELECT undo_ddl FROM advice WHERE undo_ddl IS NOT NULL');

my %columns;
my $words = lc join ' ', @statements;
for (split /\n/, $session->sql(q{SELECT relname, attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
 WHERE relkind = 'r' AND attnum > 0 AND relnamespace = 'public'::regnamespace AND relname <> 'advice' ORDER BY relname, attnum}))
{
	my ($table, $column) = split /\|/;
	push @{ $columns{$table} }, $column if $words =~ /\b$column\b/;
}

# ---- hypothetical against real: each column alone, and what was advised
sub normalized
{
	my ($plan) = @_;
	my ($cost) = $plan =~ /cost=[\d.]+\.\.([\d.]+)/;
	$plan =~ s/\(cost=.*?\)//g;
	$plan =~ s/(?:Scan|Backward) using \S+|Index Scan on \S+idx\S*/index/g;
	return ($plan, $cost);
}

sub plan
{
	my ($statement, @indexes) = @_;
	my $array = 'ARRAY[' . join(', ', map { "\$i\$$_\$i\$" } @indexes) . ']::text[]';
	return normalized($session->sql("SELECT * FROM schemakit.explain_with_indexes(\$s\$$statement\$s\$, $array)"));
}

# The size that is estimated for an index, against that of the real one, which is made in
# a transaction that stays open.
sub size_ratio
{
	my ($index) = @_;
	my $size = $session->sql("SELECT schemakit.estimate_index_size(\$i\$$index\$i\$)");
	$session->sql("BEGIN; $index");
	return $size / $session->sql(q{SELECT pg_relation_size(max(indexrelid)) FROM pg_index});
}

# By what factor that is wrong where it is worst
sub most_off { return (sort { $a <=> $b } map { $_ < 1 ? 1 / $_ : $_ } @_)[-1] }

my ($pairs, $same, $near, $used) = (0) x 4;
my @sizes;
for my $index ((map { my $t = $_; map { "CREATE INDEX ON $t ($_)" } @{ $columns{$t} } } sort keys %columns), @advised)
{
	my @without = map { [ plan($_) ] } @statements;
	my @with = map { [ plan($_, $index) ] } @statements;
	push @sizes, size_ratio($index);
	for my $i (0 .. $#statements)
	{
		my ($plan, $cost) = plan($statements[$i]);
		$pairs++;
		$used++ if $plan ne $without[$i][0];
		$same++ if $plan eq $with[$i][0];
		$near++ if abs($cost / $with[$i][1] - 1) <= 0.01;
	}
	$session->sql('ROLLBACK');
}
printf "| pairs of index and statement | the index changes the plan | same plan as with the real one | cost within 1 %% (goal 95 %%) | sizes of the real ones (goal 0.85-1.15) |\n|---|---|---|---|---|\n"
  . "| %d | %d | %.1f %% | %.1f %% | %.2f-%.2f |\n\n",
  $pairs, $used, 100 * $same / $pairs, 100 * $near / $pairs, (sort { $a <=> $b } @sizes)[ 0, -1 ];

bar("advisor, $pairs pairs of an index and a statement with the plan that the real index gives: %", '>= 95', '%.1f', 100 * $same / $pairs);
bar('advisor, costs with hypothetical indexes within 1 % of those with real ones: %', '>= 95', '%.1f', 100 * $near / $pairs);
bar('advisor, estimated against real size of b-tree indexes: most off', '1.15', '%.2f', most_off(@sizes));

# ---- GIN, of which TPC-H has no use: what its orders say, in other types
$session->sql(q{CREATE TABLE documents AS SELECT o_orderkey AS id, string_to_array(o_comment, ' ') AS words, to_tsvector('simple', o_comment) AS body,
 jsonb_build_object('status', o_orderstatus, 'customer', o_custkey, 'clerk', o_clerk, 'lines', jsonb_build_array(o_orderpriority, o_shippriority)) AS doc
 FROM orders; ANALYZE documents});
my %gin;
for my $key ('words', 'body', 'doc', 'doc jsonb_path_ops')
{
	$gin{$key} = size_ratio("CREATE INDEX ON documents USING gin ($key)");
	$session->sql('ROLLBACK');
}
$session->sql('DROP TABLE documents');
print '| GIN index on | ', join(' | ', sort keys %gin), " |\n|---|---|---|---|---|\n| size, of the real one (goal 0.70-1.30) | ", join(' | ', map { sprintf '%.2f', $gin{$_} } sort keys %gin), " |\n\n";
bar('advisor, estimated against real size of GIN indexes: most off', '1.3', '%.2f', most_off(values %gin));

# ---- cancelled: how long it takes from the time-out to the answer
my $queries = 'ARRAY[' . join(', ', map { "\$s\$$_\$s\$" } @statements) . ']';
my @late;
for (1 .. 40)
{
	my $timeout = 5 + int rand 200;
	$session->sql("SET statement_timeout = $timeout");
	my ($cpu, $wall) = $session->measure("DO \$\$ BEGIN PERFORM schemakit.advise_indexes_report($queries, min_benefit => 0, max_indexes => 100);"
		  . ' EXCEPTION WHEN query_canceled THEN NULL; END $$; RESET statement_timeout');
	push @late, $wall - $timeout if $wall >= $timeout;
}
printf "Cancelled %d times: answered after %.1f ms (median), %.1f ms at most (goal 100)\n\n", scalar @late, median(@late), (sort { $a <=> $b } @late)[-1];

bar('advisor, cancelled ' . @late . ' times: ms at most', 100, '%.1f', (sort { $a <=> $b } @late)[-1]);

# ---- against Extend
my (@ratio, @calls);
my $tables = $session->sql(q{SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace});
my $none = Extend->new(session => $session, statements => \@statements, columns => \%columns)->cost();
print "| budget, % of the tables | cost, % of none: advice | Extend | ratio (goal 1) | plans: advice | Extend | ratio (goal 0.5) |\n|---|---|---|---|---|---|---|\n";
for my $percent (map { $_ * 10 } 1 .. 10)
{
	my $budget = int($tables * $percent / 100);
	my $arguments = "$queries, storage_budget => $budget, max_indexes => 1000, min_benefit => 0, max_regression => 1000, actions => '{create}'";
	my @ddl = split /\n/, $session->sql("SELECT ddl FROM schemakit.advise_indexes($arguments) WHERE ddl LIKE 'CREATE%'");
	my $calls = $session->sql("SELECT (schemakit.advise_indexes_report($arguments)->>'planner_calls')::int");
	my $extend = Extend->new(session => $session, statements => \@statements, columns => \%columns);
	my $ours = 0;
	$ours += $extend->statement_cost($_, @ddl) for 0 .. $#statements;
	my ($theirs) = $extend->choose($budget);
	push @ratio, $ours / $theirs;
	push @calls, $calls / $extend->{calls};
	printf "| %d | %.3f | %.3f | %.3f | %d | %d | %.2f |\n", $percent, 100 * $ours / $none, 100 * $theirs / $none,
	  $ours / $theirs, $calls, $extend->{calls}, $calls / $extend->{calls};
}
bar('advisor, cost with its choice against that with Extend\'s: worst of ten budgets', 1, '%.3f', (sort { $a <=> $b } @ratio)[-1]);
bar('advisor, plans asked for against Extend: worst of ten budgets', '0.5', '%.2f', (sort { $a <=> $b } @calls)[-1]);
