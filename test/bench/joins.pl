# advise_indexes() on the two public workloads of joins: the Join Order Benchmark's 113
# statements, and 99 like TPC-DS's, with data of two or three hundred megabytes.  Texts
# and tables are fetched; SCHEMAKIT_JOB and SCHEMAKIT_TPCDS name directories that have
# them already.  For each:
#
# * what advice takes with default settings, and the most memory meanwhile;
# * the workload's cost, by the planner, with it, with what there is after a quarter
#   of the time, and with as many bytes as the Extend algorithm chooses them, and as a
#   loop over indexes on one column does, which is what is built on HypoPG;
# * whether a second call, when the indexes are there, has more to say.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;
use Extend;
use Workload;

my %goal = (job => [ 'JOB', 20_000 ], ds => [ 'TPC-DS', 30_000 ]);

sub advised
{
	my ($session, $arguments) = @_;
	return grep { /^CREATE/ } split /\n/, $session->sql("SELECT ddl FROM schemakit.advise_indexes($arguments) ORDER BY rank, step");
}

sub total
{
	my ($extend, @ddl) = @_;
	my $cost = 0;
	$cost += $extend->statement_cost($_, @ddl) for 0 .. $#{ $extend->{statements} };
	return $cost;
}

for my $name ($ENV{WORKLOADS} ? split / /, $ENV{WORKLOADS} : qw(job ds))
{
	my ($title, $ms) = @{ $goal{$name} };
	my $workload = Workload->fetch($name);
	if (!$workload)
	{
		print "$title: not measured: its statements cannot be fetched\n\n";
		next;
	}
	my $db = "bench_$name";
	system('dropdb', '--if-exists', $db) == 0 && system('createdb', $db) == 0 or die;
	my $session = Bench->connect($db);
	$session->sql('CREATE EXTENSION schemakit');
	$workload->load($session);
	show_machine($session) if $name eq 'job';

	my @statements = @{ $workload->{statements} };
	my $queries = 'ARRAY[' . join(', ', map { "\$s\$$_\$s\$" } @statements) . ']';
	my $columns = $workload->columns($session);
	my $extend = Extend->new(session => $session, statements => \@statements, columns => $columns);
	my $none = $extend->cost();

	my $other = Bench->connect($db);
	my ($cpu, $wall) = $other->measure("CREATE TABLE advice AS SELECT * FROM schemakit.advise_indexes($queries, actions => '{create}')");
	my @ddl = grep { /^CREATE/ } split /\n/, $session->sql('SELECT ddl FROM advice ORDER BY rank, step');
	my $bytes = $session->sql('SELECT sum(est_bytes) FROM advice WHERE step = 1');
	my $ours = total($extend, @ddl);
	my $quarter = sprintf '%.0f ms', $wall / 4;
	my $early = total($extend, advised($session, "$queries, actions => '{create}', time_budget => '$quarter'"));
	my $peak = Bench->connect($db)->peak("SELECT schemakit.advise_indexes_report($queries, actions => '{create}')");
	# as both use the bytes that there are, without a least that each index must save
	my $same = total($extend, advised($session, "$queries, actions => '{create}', storage_budget => $bytes, min_benefit => 0, max_indexes => 1000"));
	my ($theirs) = Extend->new(session => $session, statements => \@statements, columns => $columns)->choose($bytes);
	my ($loop) = Extend->new(session => $session, statements => \@statements, columns => $columns)->choose($bytes, width => 1);
	$session->sql($_) for @ddl;
	$session->sql('VACUUM ANALYZE');
	my @more = advised($session, "$queries, actions => '{create}'");

	printf "| %s | statements | ms | processor ms | indexes | MB | cost, %% of none | with all bytes used | after a quarter of the time | Extend | loop | advised by a second call |\n|%s\n| | %d | %.0f | %.0f | %d | %.1f | %.2f | %.2f | %.2f | %.2f | %.2f | %d |\n\n",
	  $title, '---|' x 12, scalar @statements, $wall, $cpu, scalar @ddl, $bytes / 1e6, map({ 100 * $_ / $none } $ours, $same, $early, $theirs, $loop), scalar @more;
	bar("advisor, advice for $title: ms", $ms, '%.0f', $wall);
	bar("advisor, $title: MB of memory at most", 500, '%.0f', $peak);
	bar("advisor, $title: cost against Extend's with as many bytes", 1, '%.3f', $same / $theirs);
	bar("advisor, $title: cost against that of a loop over indexes on one column", 1, '%.3f', $same / $loop);
	bar("advisor, $title: cost with advice of a quarter of the time", '1.10', '%.3f', $early / $ours);
}

# ---- 1,000 statements as an ORM sends them, over 300 tables
my $db = 'bench_orm';
system('dropdb', '--if-exists', $db) == 0 && system('createdb', $db) == 0 or die;
my $session = Bench->connect($db);
$session->sql('CREATE EXTENSION schemakit');
$session->sql("CREATE TABLE t$_ AS SELECT i AS id, i % 1000 AS owner_id, i % 20 AS state, md5(i::text) AS code, now() - i * interval '1 minute' AS created_at FROM generate_series(1, 5000) AS i") for 0 .. 299;
$session->sql('VACUUM ANALYZE');
my @shapes = ('SELECT "t%d".* FROM "t%d" WHERE "t%1$d"."owner_id" = 7 ORDER BY "t%1$d"."created_at" DESC LIMIT 25',
	q{SELECT "t%d".* FROM "t%d" WHERE "t%1$d"."code" = 'c' LIMIT 1}, 'SELECT count(*) FROM "t%d" JOIN "t%d" AS o ON o."id" = "t%1$d"."owner_id" WHERE o."state" = 3',
	q{SELECT "t%d"."id" FROM "t%1$d" WHERE "t%1$d"."state" = 2 AND "t%1$d"."created_at" > now() - interval '1 hour'});
my @statements = map { my $t = $_ % 300; sprintf $shapes[ $_ / 300 ], $t, $shapes[ $_ / 300 ] =~ /JOIN/ ? ($t + 1) % 300 : $t } 0 .. 999;
my ($cpu, $wall) = $session->measure('CREATE TABLE advice AS SELECT * FROM schemakit.advise_indexes(ARRAY[' . join(', ', map { "\$s\$$_\$s\$" } @statements) . '], max_queries => 1000)');
printf "1,000 statements over 300 tables: %.0f ms, %.0f of the processor\n\n", $wall, $cpu;
bar('advisor, 1,000 statements over 300 tables: ms', 10_000, '%.0f', $wall);
