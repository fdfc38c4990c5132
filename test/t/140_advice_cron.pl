# Advice by a scheduled job, with the real pg_cron: kept in schemakit.index_advice,
# found to have been followed, and compared in measured time.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
for my $library ('pg_stat_statements', 'pg_cron')
{
	plan skip_all => "not checked: $library is not installed"
	  unless -e $node->config_data('--pkglibdir') . "/$library.so";
}
$node->append_conf('postgresql.conf', <<'C');
autovacuum = off
shared_preload_libraries = 'pg_stat_statements, pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
C
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# The job runs when the server starts; pg_cron knows no shorter time than a minute everywhere.
my $runs = 0;
sub next_night
{
	$node->restart;
	$runs++;
	ok($node->poll_query_until('postgres', "SELECT count(*) = $runs FROM cron.job_run_details WHERE status = 'succeeded'"), "night $runs");
}
sub workload { sql(join ';', map { "SELECT * FROM item WHERE owner = $_" } 1 .. 30) }

sql(q{CREATE EXTENSION schemakit; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_cron;
	CREATE TABLE item (id int PRIMARY KEY, owner int, filler text);
	INSERT INTO item SELECT i, i % 5000, repeat('x', 100) FROM generate_series(1, 100000) AS i; VACUUM ANALYZE item;
	SELECT pg_stat_statements_reset(); SELECT cron.schedule('advice', '@reboot', 'SELECT schemakit.index_advice_record()')});
workload();
next_night();
is(sql(q{SELECT action, table_name, status, runs, first_seen = last_seen, ms_before > 0, ms_after IS NULL FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}),
	'create|item|open|1|t|t|t', 'the job has advice');
next_night();
is(sql(q{SELECT status, runs, last_seen > first_seen FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}), 'open|2|t', 'and gives it again');
sql($_) for split /\n/, sql(q{SELECT unnest(steps) FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'});
next_night();
is(sql(q{SELECT status, followed_at IS NOT NULL, ms_after IS NULL FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}), 'followed|t|t', 'until it was followed');
workload();
next_night();
is(sql(q{SELECT status, ms_after > 0 FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}), 'followed|t', 'then the time is measured again');
note(sql(q{SELECT round(ms_before::numeric, 3), round(ms_after::numeric, 3) FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}));

# the index is dropped again: the advice is open again; or is not wanted
sql(q{DROP INDEX item_owner_idx});
workload();
next_night();
is(sql(q{SELECT status, ms_after IS NULL FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}), 'open|t', 'advice that is true again is open again');
sql(q{UPDATE schemakit.index_advice SET status = 'dismissed' WHERE steps[1] LIKE '%(owner)%'});
next_night();
is(sql(q{SELECT status FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}), 'dismissed', 'but not if somebody has dismissed it');
sql(q{UPDATE schemakit.index_advice SET status = 'open'; SELECT pg_stat_statements_reset()});
next_night();
is(sql(q{SELECT status FROM schemakit.index_advice WHERE steps[1] LIKE '%(owner)%'}), 'gone', 'what nobody asks for any more is gone');

# advice to rebuild an index is followed like any other; and advice of many steps
sql(q{CREATE TABLE twice (a int); CREATE INDEX twice_a ON twice (a);
	UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'twice_a'::regclass});
sql('SELECT schemakit.index_advice_record()');
sql('REINDEX INDEX CONCURRENTLY twice_a');
sql('SELECT schemakit.index_advice_record()');
is(sql(q{SELECT index_name, status FROM schemakit.index_advice WHERE action = 'reindex'}), 'public.twice_a|followed', 'an index that was rebuilt');
sql(q{CREATE TABLE many (a int, b int, filler text) PARTITION BY RANGE (a);
	DO $$ BEGIN FOR i IN 0..79 LOOP EXECUTE format('CREATE TABLE many_%s PARTITION OF many FOR VALUES FROM (%s) TO (%s)', i, i * 1000, i * 1000 + 1000); END LOOP; END $$;
	INSERT INTO many SELECT i, i, repeat('x', 50) FROM generate_series(0, 79999) AS i; ANALYZE many; SELECT pg_stat_statements_reset()});
sql(join ';', map { "SELECT * FROM many WHERE b = $_" } 1 .. 5);
sql('SELECT schemakit.index_advice_record()');
is(sql(q{SELECT array_length(steps, 1), status FROM schemakit.index_advice WHERE table_name = 'many'}), '161|open', 'an index of 80 partitions');
$node->stop;
done_testing();
