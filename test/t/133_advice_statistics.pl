# advise_indexes() and statements that take longer than their plans say, where no index is the
# cure: statistics are missing, or the columns that are compared depend on each other.
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
plan skip_all => 'not checked: pg_stat_statements is not installed'
  unless -e $node->config_data('--pkglibdir') . '/pg_stat_statements.so';
$node->append_conf('postgresql.conf', <<'C');
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
shared_preload_libraries = 'pg_stat_statements'
C
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }

# A statement by whose plan one row is found, and 2,000 are; what it does with each takes long.
sql(q{CREATE EXTENSION schemakit; CREATE EXTENSION pg_stat_statements;
	CREATE TABLE ad (id int PRIMARY KEY, make int NOT NULL, model int NOT NULL, "Year" int NOT NULL, filler text);
	INSERT INTO ad SELECT i, i % 50, i % 50, i % 50, repeat('x', 60) FROM generate_series(1, 100000) AS i;
	CREATE INDEX ad_all ON ad (make, model, "Year");
	CREATE TABLE hit (ad int NOT NULL, n int NOT NULL, filler text NOT NULL);
	INSERT INTO hit SELECT 1 + i % 100000, i, repeat('y', 60) FROM generate_series(1, 200000) AS i;
	CREATE INDEX hit_ad ON hit (ad, n, filler)});
sql('VACUUM ANALYZE ad, hit');    # in another session, when the rows have been counted
my $slow = q{SELECT ad.*, (SELECT count(*) FROM hit WHERE hit.ad = ad.id AND hit.filler ~ '(y+)+(y+)+y{50}') FROM ad WHERE make = 7 AND model = 7 AND "Year" = 7};

sub run
{
	sql('SELECT pg_stat_statements_reset()');
	sql(join ';', ($slow) x 8);
	sql(join ';', map { "SELECT $_ FROM hit" } 'count(*)', 'sum(ad)', 'max(filler)', 'count(filler)') for 1 .. 2;
}
my $advice = q{SELECT action, ddl, coalesce(undo_ddl, '-') FROM schemakit.advise_indexes(schemas => '{public}') WHERE action = 'statistics' ORDER BY rank, step};

run();
is(sql($advice), 'statistics|CREATE STATISTICS public."ad_make_model_Year_stat" ON make, model, "Year" FROM public.ad|DROP STATISTICS public."ad_make_model_Year_stat"' . "\n"
	. 'statistics|ANALYZE public.ad|-', 'columns that depend on each other get statistics together');
like(sql(q{SELECT reason FROM schemakit.advise_indexes(actions => '{statistics}') WHERE step = 1}), qr/takes \d+ times as long .* returns \d+ times as many rows as the planner expects: its conditions on table "ad"/, 'and why');
like(sql(q{SELECT queries_helped FROM schemakit.advise_indexes(actions => '{statistics}') WHERE step = 1}), qr/"statement": "SELECT ad\.\*/, 'and for which statement');
is(sql(q{SELECT count(*) FROM schemakit.advise_indexes(actions => '{create,drop}') WHERE action = 'statistics'}), 0, 'unless it is not asked for');
is(sql(q{SELECT ddl, coalesce(plan_before, '-') FROM schemakit.advise_indexes_explain(1, actions => '{statistics}')}) =~ /^CREATE STATISTICS .*\|./, 1, 'it can be explained');
is(sql(q{SELECT schemakit.index_advice_record() > 0, (SELECT index_name FROM schemakit.index_advice WHERE action = 'statistics')}), 't|', 'it is recorded');
is(sql(q{SELECT index_name, status, queries_helped::text ~ 'statement' FROM schemakit.index_advice WHERE action = 'statistics'}), 'public."ad_make_model_Year_stat"|open|f', 'under the name of the statistics, without texts');
sql($_) for split /\n/, sql(q{SELECT ddl FROM schemakit.advise_indexes(schemas => '{public}', actions => '{statistics}') ORDER BY rank, step});
is(sql($advice), '', 'what was followed is not advised again');
sql('SELECT schemakit.index_advice_record()');
is(sql(q{SELECT status FROM schemakit.index_advice WHERE action = 'statistics'}), 'followed', 'and recorded as followed');

# a table that has changed since it was analyzed, and one that never was
sql(q{DROP STATISTICS "ad_make_model_Year_stat"; UPDATE ad SET filler = repeat('z', 50) WHERE id % 3 = 0; SELECT pg_stat_force_next_flush()});
run();
is(sql($advice), 'statistics|ANALYZE public.ad|-', 'old statistics are collected again, before others are made');
sql('ANALYZE public.ad');
like(sql($advice), qr/^statistics\|CREATE STATISTICS/, 'then those on the columns');

my ($code, $out, $err) = $node->psql('postgres', q{SELECT * FROM schemakit.advise_indexes('SELECT 1', actions => '{statistics}')});
is("$out$err" =~ s/psql:\S+ //r, 'NOTICE:  there are no statistics to collect', 'nothing without a notice');
$node->stop;
done_testing();
