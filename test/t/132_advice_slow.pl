# advise_indexes() and statements that take longer than their plans say: the planner takes
# the rows that a LIMIT wants to be near, and nobody knows which value is looked for.
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

sql(q{CREATE EXTENSION schemakit; CREATE EXTENSION pg_stat_statements;
	CREATE TABLE msg (id int PRIMARY KEY, server_id int, hidden bool, body text);
	INSERT INTO msg SELECT i, CASE WHEN i > 99950 THEN 500 WHEN i % 5 < 4 THEN 1 + i % 2 ELSE 3 + i % 10 END, i % 40 = 0, repeat('b', 100)
		FROM generate_series(1, 100000) AS i;
	VACUUM ANALYZE msg;
	SELECT pg_stat_statements_reset()});
my $slow = 'SELECT * FROM msg WHERE server_id = 500 AND hidden = false ORDER BY id LIMIT 50';
sql(join ';', ($slow) x 40);
# what reads no table is not slow for want of an index
sql('SELECT pg_sleep(0.2)');
sql($_) for map { "SELECT $_ FROM msg" } 'count(*)', 'sum(server_id)', 'max(body)', 'min(body)', 'count(body)';

is(sql("SELECT count(*) FROM schemakit.advise_indexes('SELECT * FROM msg WHERE server_id = \$1 AND hidden = \$2 ORDER BY id LIMIT \$3')"),
	0, 'its plan says that it needs no index');
my ($code, $out, $err) = $node->psql('postgres', q{SELECT ddl FROM schemakit.advise_indexes(actions => '{create}') WHERE queries_helped::text ~
	(SELECT queryid::text FROM pg_stat_statements WHERE query ~ '^SELECT \* FROM msg WHERE server_id')});
like($err, qr/NOTICE:  statement -?\d+ takes \d+ times as long as the cost of its plan says/, 'that it takes longer is told');
my $sleep = sql("SELECT queryid FROM pg_stat_statements WHERE query ~ 'pg_sleep' AND query !~ 'queryid'");
unlike($err, qr/statement $sleep takes/, 'of a statement without a table it is not');
like($out, qr/CREATE INDEX CONCURRENTLY \S+ ON public\.msg USING btree \([^)]*server_id/, 'and it gets an index') or diag($err);
my $pages = sub { return sql("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) $slow") =~ /"Shared Hit Blocks": (\d+),\s+"Shared Read Blocks": (\d+)/ ? $1 + $2 : -1 };
my $before = $pages->();
sql($_) for split /\n/, $out;
cmp_ok($pages->(), '<', $before / 10, 'with which it reads less');
$node->stop;
done_testing();
