# advise_indexes() on a real workload in pg_stat_statements: what it reads, as whom
# it plans, what it leaves behind, and what it says when something is missing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
plan skip_all => 'not checked: pg_stat_statements is not installed'
  unless -e $node->config_data('--pkglibdir') . '/pg_stat_statements.so';
# verbose: an error's SQLSTATE and place are in the log
$node->append_conf('postgresql.conf', <<'C');
autovacuum = off
log_error_verbosity = verbose
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track = all
pg_stat_statements.max = 5000
C
$node->start;

sub sql
{
	my ($sql, $db) = @_;
	return $node->safe_psql($db // 'postgres', $sql);
}

# What a call prints on both channels.
sub told
{
	my ($sql, $db) = @_;
	my ($code, $out, $err) = $node->psql($db // 'postgres', $sql);
	return "$code $out $err";
}

# 1. Nothing is there yet
sql(q{CREATE EXTENSION schemakit});
like(told('SELECT * FROM schemakit.advise_indexes()'), qr/NOTICE:  no statements are known: extension "pg_stat_statements" is not installed/,
	'without pg_stat_statements it says so');
like(sql(q{SELECT schemakit.advise_indexes_report() -> 'notes'}), qr/not installed/, 'and so does the report');

sql(q{CREATE SCHEMA stats; CREATE EXTENSION pg_stat_statements SCHEMA stats;
	CREATE TABLE item (id int PRIMARY KEY, owner int, code text, made timestamptz, state text, price int);
	INSERT INTO item SELECT i, i % 3000, 'code' || i, now() - i * interval '1 minute', CASE WHEN i % 50 = 0 THEN 'open' ELSE 'done' END, i
		FROM generate_series(1, 60000) AS i;
	CREATE TABLE written (id serial, a int, b int);
	CREATE SCHEMA app; CREATE TABLE app.hidden (a int, b text); INSERT INTO app.hidden SELECT i, 'b' || i FROM generate_series(1, 60000) AS i;
	VACUUM ANALYZE});
like(told(q{SELECT * FROM schemakit.advise_indexes(tables => '{written}')}), qr/cover only the last (?:\d+ )?minute/, 'statistics of a minute are named as such');

# 2. The workload, as it is stored
sub run_workload
{
	$node->safe_psql('postgres', q{SELECT stats.pg_stat_statements_reset()});
	$node->safe_psql('postgres', join ';', map { <<"S" } 1 .. 20);
SELECT * FROM item WHERE owner = $_;
SELECT count(*) FROM item WHERE made > date '2026-01-01' + interval '3' month AND code = 'x$_';
SELECT extract(epoch FROM made), sum(CASE WHEN state = 'open' THEN 1 ELSE 0 END) FROM item WHERE owner = $_ GROUP BY 1;
SELECT * FROM item WHERE state = 'open' AND made > now() - interval '2 hours';
SELECT id FROM item WHERE code IN ('a$_', 'b', 'c', 'd');
BEGIN; UPDATE item SET price = 1 WHERE code = 'code$_'; ROLLBACK;
S
	$node->safe_psql("postgres", join ";", "SET search_path = app", map { "SELECT * FROM hidden WHERE a = $_" } 1 .. 40);
}
sql(q{CREATE FUNCTION find_item(v_code text, v_owner int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE r record; v_more int := 3;
	BEGIN
		SELECT * INTO r FROM item WHERE code = v_code AND owner <> v_more;
		RETURN (SELECT count(*) FROM item i WHERE i.owner = v_owner AND i.price > r.price);
	END $$});
run_workload();
sql(q{SELECT find_item('code5', 7), find_item('code6', 8)});
my $entries = sql('SELECT count(*), sum(calls) FROM stats.pg_stat_statements WHERE query NOT LIKE $$%pg_stat_statements%$$');
my $texts = q{SELECT translate(query, E'\n', ' ') FROM stats.pg_stat_statements WHERE query ~* '^\s*(SELECT|INSERT|UPDATE|DELETE)\y' AND query !~ 'schemakit|pg_'};
my @texts = split /\n/, sql($texts);
my $report = sql(q{SELECT r -> 'skipped', (r -> 'coverage' ->> 'planned')::float8 / (r -> 'coverage' ->> 'statements')::float8,
	(r -> 'coverage' ->> 'planned_ms')::float8 / (r -> 'coverage' ->> 'total_ms')::float8, r ->> 'stopped_by', (r ->> 'gap')::float8 < 0.2
	FROM schemakit.advise_indexes_report() AS r});
is($report, '[]|1|1|done|t', 'every statement is planned: repaired texts, types, variables of PL/pgSQL, another search_path');
my $advice = sql(q{SELECT ddl FROM schemakit.advise_indexes(actions => '{create,drop,replace,reindex}') ORDER BY rank, step});
like($advice, qr/ON public\.item USING btree \(owner/, 'an index for what is looked for by owner');
like($advice, qr/ON public\.item USING btree \(code/, 'and by code, in queries, updates and functions');
like($advice, qr/ON app\.hidden USING btree \(a/, 'and in a schema that was only in search_path');
is(sql(q{SELECT count(*) FROM schemakit.advise_indexes(actions => '{create,replace}') WHERE step = 1 AND NOT (benefit_ms_per_day > 0 AND workload_gain_pct > 0 AND est_bytes > 0
	AND jsonb_array_length(queries_helped) > 0 AND confidence IN ('high', 'medium', 'low'))}), '0', 'each with figures');
is(sql('SELECT count(*) FROM stats.pg_stat_statements WHERE query LIKE $$%CAST(%AS interval%$$'), '0', 'what is planned is not counted as run');
sql(q{CREATE FUNCTION advice_now() RETURNS text LANGUAGE sql AS
		$$SELECT jsonb_agg(to_jsonb(a) ORDER BY rank, step)::text FROM schemakit.advise_indexes(min_benefit => 0) AS a$$;
	CREATE FUNCTION same_later() RETURNS bool LANGUAGE plpgsql SET pg_stat_statements.track = none AS $$
	DECLARE first text := advice_now(); BEGIN PERFORM pg_sleep(1); RETURN first = advice_now(); END $$});
is(sql('SELECT same_later()'), 't', 'the same input has the same answer, also a second later');

# each command runs as it is printed, and the second call has none of them
sql('SELECT stats.pg_stat_statements_reset()');
run_workload();
my @ddl = split /\n/, sql('SELECT ddl FROM schemakit.advise_indexes() ORDER BY rank, step');
cmp_ok(scalar @ddl, '>=', 3, scalar @ddl . ' commands');
sql($_) for @ddl;
run_workload();
my $again = sql('SELECT ddl FROM schemakit.advise_indexes()');
is(scalar(grep { my $d = $_; grep { $d eq $_ } @ddl } split /\n/, $again), 0, 'none of them is printed again');

# 3. As whom statements are planned
sql(q{CREATE ROLE advisor LOGIN; CREATE ROLE app LOGIN; CREATE ROLE other LOGIN; GRANT app TO advisor; GRANT USAGE ON SCHEMA schemakit TO advisor;
	DO $$ BEGIN EXECUTE (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO advisor', oid::regprocedure), ';') FROM pg_proc
		WHERE pronamespace = 'schemakit'::regnamespace AND proname LIKE 'advise_indexes%'); END $$;
	CREATE TABLE witness (who text); GRANT INSERT, SELECT ON witness TO PUBLIC;
	CREATE TABLE secret (a int, b int); INSERT INTO secret SELECT i, i FROM generate_series(1, 60000) AS i; GRANT SELECT ON secret TO app, other; ANALYZE secret;
	GRANT CREATE ON SCHEMA public TO app});
sql(q{SET ROLE app;
	CREATE FUNCTION evil(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		RAISE LOG 'evil runs as %', current_user;
		BEGIN EXECUTE 'ALTER ROLE app SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'SET ROLE NONE'; EXECUTE 'ALTER ROLE app SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN EXECUTE 'CREATE TEMP TABLE left_behind (a int)'; EXCEPTION WHEN OTHERS THEN NULL; END;
		RETURN 1;
	END $$; SELECT count(*) FROM secret WHERE a = evil(2)});
sql(q{SET ROLE other; SELECT * FROM secret WHERE b = 3});
my $offset = -s $node->logfile;
like(sql(q{SELECT schemakit.advise_indexes_report() -> 'coverage'}), qr/planned/, 'a superuser asks for advice');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile, $offset);
like($log, qr/evil runs as app/, "a function in somebody's statement runs as that role");
unlike($log, qr/evil runs as (?!app)/, 'and as no other');
is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'app'}), 'f', 'it gained nothing');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname = 'left_behind'}), '0', 'and left nothing behind');
$node->safe_psql('postgres', q{GRANT pg_read_all_stats TO advisor; GRANT USAGE ON SCHEMA stats TO advisor});
like($node->safe_psql('postgres', q{SET ROLE advisor; SELECT schemakit.advise_indexes_report() -> 'skipped'}), qr/"reason": "must be member of role \\"other\\"", "queryid": -?\d+, "sqlstate": "42501"/,
	'statements of roles that the caller may not become are skipped, with the reason');
$node->safe_psql('postgres', q{REVOKE pg_read_all_stats FROM advisor});
like(told(q{SET ROLE advisor; SELECT count(*) FROM schemakit.advise_indexes()}), qr/NOTICE:  \d+ statements of other roles cannot be read\nHINT:  Grant pg_read_all_stats/, 'and those that cannot be read are named');

# the sample of an expression calls functions for nobody but those whom they belong to
sql(q{SET ROLE app; CREATE TABLE apps AS SELECT i AS a FROM generate_series(1, 60000) AS i; ANALYZE apps; GRANT SELECT ON apps TO PUBLIC});
sql(q{GRANT CREATE ON SCHEMA public TO other});
sql(q{SET ROLE other; CREATE FUNCTION others(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
	'BEGIN RAISE LOG $$others runs as %$$, current_user; RETURN $1; END'});
$offset = -s $node->logfile;
sql(q{SELECT schemakit.estimate_index_size('CREATE INDEX ON apps (evil(a))'), schemakit.estimate_index_size('CREATE INDEX ON apps (others(a))')});
sql(q{SET ROLE other; SELECT schemakit.estimate_index_size('CREATE INDEX ON apps (others(a))'), schemakit.estimate_index_size('CREATE INDEX ON apps (evil(a))')});
sql(q{SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM apps WHERE evil(a) = 3 AND others(a) = 4'])});
unlike(slurp_file($node->logfile, $offset), qr/evil runs as|others runs as (?!other\b)/, 'a function is not called for an estimate by somebody else');
sql(q{SET ROLE app; SELECT schemakit.estimate_index_size('CREATE INDEX ON apps (evil(a))')});
like(slurp_file($node->logfile, $offset), qr/evil runs as app/, 'but by its owner');

# nor what a range type brings along, when a superuser has run the statement
sql(q{SET ROLE other; CREATE FUNCTION difference(a float8, b float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN IF current_user <> $$other$$ THEN RAISE LOG $$others runs as %$$, current_user; END IF; RETURN a - b; END';
	CREATE TYPE measured AS RANGE (subtype = float8, subtype_diff = difference);
	CREATE TABLE ranges AS SELECT i AS id, measured(i, i + 5) AS r, NULL::measured AS r2 FROM generate_series(1, 30000) AS i; ANALYZE ranges});
sql(q{SELECT count(*) FROM ranges WHERE coalesce(r, r2) = '[1,2)'}) for 1 .. 2;
$offset = -s $node->logfile;
sql(q{SELECT count(*) FROM schemakit.advise_indexes()});
unlike(slurp_file($node->logfile, $offset), qr/others runs as/, 'nor is a function of a range type');
# and what a join converts is read as what it becomes
sql(q{CREATE TABLE numbers AS SELECT i AS id FROM generate_series(1, 60000) AS i; CREATE TABLE decimals AS SELECT i::numeric AS n, i AS x FROM generate_series(1, 60000) AS i;
	ANALYZE numbers; ANALYZE decimals; SELECT count(*) FROM numbers JOIN decimals ON id = n WHERE x = 5; SELECT count(*) FROM numbers JOIN decimals ON id = n WHERE x = 6});
like(sql(q{SELECT count(*) FROM schemakit.advise_indexes(tables => '{numbers,decimals}', min_benefit => 0)}), qr/^\d+$/, 'columns of different types that are joined');
sql('DROP TABLE numbers, decimals, ranges');

# 4. Nothing stays
my $before = sql('SELECT count(*) FROM pg_class');
is(sql(q{BEGIN READ ONLY; SELECT 1 FROM schemakit.advise_indexes_report(); SELECT count(*) FROM pg_locks WHERE relation IN ('item'::regclass, 'secret'::regclass); COMMIT}), "1\n0", 'a READ ONLY transaction will do, and no lock remains');
is(sql(q{SET search_path = app, public; SELECT 1 FROM schemakit.advise_indexes_report(); SHOW search_path; SHOW lock_timeout; SELECT current_user = session_user}), "1\napp, public\n0\nt", 'nor a setting');
is(sql('SELECT count(*) FROM pg_class'), $before, 'nor an index');

# a table that somebody has locked is skipped
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE secret');
my $start = time;
like(sql(q{SELECT schemakit.advise_indexes_report() -> 'skipped'}), qr/canceling statement due to lock timeout/, 'a locked table is waited for no longer than a moment');
$locker->query_safe('COMMIT');
$locker->quit;

# a table that somebody has locked, with an index: neither statements nor findings wait for it
sql(q{CREATE INDEX secret_a ON secret (a); CREATE TABLE refers (x int REFERENCES item); INSERT INTO refers SELECT 1 FROM generate_series(1, 60000)});
$locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE secret, refers');
$start = time;
like(told(q{SET statement_timeout = '20s'; SELECT 'done' FROM schemakit.advise_indexes_report()}), qr/^0 done/, 'advice in spite of a locked table');
cmp_ok(time - $start, '<', 5, 'without waiting for it');
$locker->query_safe('COMMIT; BEGIN; REINDEX INDEX secret_a');
like(told(q{SET statement_timeout = '20s'; SELECT 'done' FROM schemakit.advise_indexes_report()}), qr/^0 done/, 'advice in spite of a locked index');
$locker->query_safe('COMMIT');
$locker->quit;

# 5. Cancelled within 100 ms (a second here: machines are slow)
sql(join ';', map { "SELECT count(*) FROM item a JOIN item b USING (owner) JOIN item c ON c.code = b.code JOIN item d ON d.id = c.id WHERE a.price = $_ AND d.made > now() AND a.id IN (SELECT id FROM item x$_ WHERE x$_.state = 'none')" } 1 .. 40);
$start = time;
like(told(q{SET statement_timeout = 5; SELECT schemakit.advise_indexes_report(max_indexes => 50)}), qr/canceling statement due to statement timeout/, 'statement_timeout is honoured');
cmp_ok(time - $start, '<', 2, 'at once');
is(sql(q{SELECT (r ->> 'elapsed_ms')::float8 < 2000 FROM schemakit.advise_indexes_report(time_budget => '20 ms') AS r}), 't', 'time_budget is one');

# 6. No memory that grows
SKIP:
{
	skip 'not checked: ' . no_memory_figures(), 1 if no_memory_figures();
	my $peaks = sql(q{CREATE TEMP TABLE peak (kb bigint);
		DO $$ BEGIN FOR i IN 1..30 LOOP
			PERFORM count(*) FROM schemakit.advise_indexes();
			IF i IN (10, 30) THEN INSERT INTO peak SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmHWM:\s*(\d+)')::bigint; END IF;
		END LOOP; END $$;
		SELECT max(kb) - min(kb) FROM peak});
	cmp_ok($peaks, '<', 4096, "30 times take no more memory than 10 ($peaks kB)");
}

# 7. Nothing for pgbench's own load, which has the indexes that it needs
$node->safe_psql('postgres', 'CREATE DATABASE bench');
sql('CREATE EXTENSION schemakit; CREATE EXTENSION pg_stat_statements', 'bench');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', 2, '-h', $node->host, '-p', $node->port, 'bench' ], 'pgbench, loaded');
sql('SELECT pg_stat_statements_reset()', 'bench');
$node->command_ok([ 'pgbench', '-n', '-t', 200, '-c', 2, '-h', $node->host, '-p', $node->port, 'bench' ], 'and run');
is(sql('SELECT ddl FROM schemakit.advise_indexes()', 'bench'), '', 'nothing is advised');
like(sql(q{SELECT schemakit.advise_indexes_report() -> 'coverage'}, 'bench'), qr/"planned"/, 'though all was looked at');

# 8. A table that is written more than read
sql(q{SELECT stats.pg_stat_statements_reset(); INSERT INTO written (a, b) SELECT i, i FROM generate_series(1, 60000) AS i; ANALYZE written});
sql(q{DO $$ BEGIN FOR i IN 1..40 LOOP INSERT INTO written (a, b) SELECT g, g FROM generate_series(1, 20000) AS g; END LOOP; END $$; SELECT * FROM written WHERE a = -1 LIMIT 1});
is(sql(q{SELECT ddl FROM schemakit.advise_indexes(tables => '{written}', actions => '{create}')}), '', 'gets no index');
like(sql(q{SELECT schemakit.advise_indexes_report(tables => '{written}') -> 'not_advised'}), qr/written USING btree \(a\).*it costs more in writes than it saves/, 'and the report says why');

# 9. A foreign key whose rows are deleted
sql(q{CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (p int REFERENCES parent, filler text);
	INSERT INTO parent SELECT generate_series(1, 2000); INSERT INTO child SELECT 1 + i % 1000, repeat('x', 50) FROM generate_series(1, 40000) AS i; ANALYZE});
sql('SELECT stats.pg_stat_statements_reset()');
sql("DELETE FROM parent WHERE id = $_") for 1990 .. 2000;
like(sql(q{SELECT ddl || reason FROM schemakit.advise_indexes(tables => '{child}')}), qr/ON public\.child USING btree \(p\)/, 'its index is advised');

sql('SELECT stats.pg_stat_statements_reset()');
sql("UPDATE parent SET id = id + 10000 WHERE id = $_") for 1900 .. 1920;
like(sql(q{SELECT ddl || reason FROM schemakit.advise_indexes(tables => '{child}')}), qr/\(p\).*serves foreign key "child_p_fkey"/, 'and where keys change');

# a few, among much else: how many they were is told, and the index is left out
sql('CREATE TABLE busy AS SELECT i, md5(i::text) AS t FROM generate_series(1, 30000) AS i; ANALYZE busy; SELECT stats.pg_stat_statements_reset()');
sql('DELETE FROM parent WHERE id = 1980');
sql(join ';', map { "SELECT count(*) FROM busy WHERE t ~ 'x$_'" } 1 .. 100);
like(sql(q{SELECT i ->> 'reason' FROM jsonb_array_elements(schemakit.advise_indexes_report(tables => '{child}', min_benefit => 0.5) -> 'not_advised') AS i WHERE i ->> 'index' LIKE '%(p)'}),
	qr/it saves less than min_benefit|for foreign key "child_p_fkey" it saves too little: \d+ such changes per day were recorded/, 'recorded changes that cost little are no reason for an index');
is(sql(q{SELECT ddl FROM schemakit.advise_indexes(tables => '{child}', min_benefit => 0.5, actions => '{create}')}), '', 'which is not advised');

# an index that nobody uses, in a table that is read
sql(q{CREATE TABLE idle (id int, a int, b int); INSERT INTO idle SELECT i, i, i FROM generate_series(1, 60000) AS i; CREATE INDEX idle_a ON idle (a); CREATE INDEX idle_b ON idle (b); ANALYZE idle});
sql(q{SELECT count(*) FROM idle WHERE id = 5}) for 1 .. 3;
sql(join ';', map { 'SELECT count(*) FROM idle' } 1 .. 120);
sql(q{SELECT * FROM idle WHERE b = 7});
ok($node->poll_query_until('postgres', q{SELECT seq_scan >= 100 FROM pg_stat_user_tables WHERE relname = 'idle'}), 'reads of a table are counted');
is(sql(q{SELECT ddl FROM schemakit.advise_indexes(tables => '{idle}', actions => '{drop}')}), '', 'statistics of a minute are too young to drop an index');
is(sql(q{SET schemakit.advice_unused_days = 0; SELECT ddl, reason ~ 'standbys' FROM schemakit.advise_indexes(tables => '{idle}', actions => '{drop}')}),
	'DROP INDEX CONCURRENTLY public.idle_a|t', 'unless one says so: the one that no statement uses goes');

# an index that is dropped while the advice is made: that advice is left out
sql(q{CREATE SEQUENCE calls; CREATE TABLE gone (a int); CREATE INDEX gone_1 ON gone (a); CREATE INDEX gone_2 ON gone (a);
	CREATE TABLE slowly AS SELECT i AS a, i AS b, i AS c FROM generate_series(1, 60000) AS i; CREATE INDEX slowly_ab ON slowly (a, b); CREATE INDEX slowly_a ON slowly (a);
	CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN
		IF nextval('calls') >= 2 THEN
			-- a lock is not waited for while advice is made
			WHILE NOT pg_try_advisory_lock(7) LOOP PERFORM pg_sleep(0.01); END LOOP;
			PERFORM pg_advisory_unlock(7);
		END IF;
		RETURN $1;
	END $$; ANALYZE slowly});
$locker = $node->background_psql('postgres');
$locker->query_safe('SELECT pg_advisory_lock(7)');
my $slow = $node->background_psql('postgres', on_error_stop => 0);
$slow->query_until(qr/begun/, "\\echo begun\nSELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM slowly WHERE a = slow(3)'], actions => '{drop}');\n\\echo ended\n");
ok($node->poll_query_until('postgres', 'SELECT last_value >= 2 FROM calls'), 'advice is being made');
sql('DROP INDEX gone_2');
$locker->query_safe('SELECT pg_advisory_unlock(7)');
like($slow->query_until(qr/ended/, ''), qr/slowly_a\b(?!.*gone_2)/s, 'an index that was dropped meanwhile is not in it');
like($slow->{stderr}, qr/NOTICE:  advice on table "gone" was left out: relation with OID \d+ does not exist/, 'but named');
$slow->quit;
$locker->quit;

# indexes of partitions that foreign keys need, though nobody has read them
sql(q{CREATE TABLE target (id int PRIMARY KEY); INSERT INTO target SELECT generate_series(1, 100);
	CREATE TABLE whole (a int, r int) PARTITION BY RANGE (a); CREATE TABLE whole_1 PARTITION OF whole FOR VALUES FROM (0) TO (100000);
	ALTER TABLE whole_1 ADD FOREIGN KEY (r) REFERENCES target; CREATE INDEX whole_r ON whole (r); CREATE INDEX whole_a ON whole (a);
	CREATE TABLE upper (a int, r int REFERENCES target) PARTITION BY RANGE (a); CREATE TABLE upper_1 PARTITION OF upper FOR VALUES FROM (0) TO (100000);
	CREATE INDEX upper_1_r ON upper_1 (r); CREATE INDEX upper_1_a ON upper_1 (a);
	INSERT INTO whole SELECT i, 1 + i % 100 FROM generate_series(1, 5000) AS i; INSERT INTO upper SELECT * FROM whole});
sql(join ';', map { 'SELECT count(*) FROM whole; SELECT count(*) FROM upper' } 1 .. 120);
ok($node->poll_query_until('postgres', q{SELECT min(seq_scan) >= 100 FROM pg_stat_user_tables WHERE relname IN ('whole_1', 'upper_1')}), 'reads of partitions are counted');
is(sql(q{SET schemakit.advice_unused_days = 0; SELECT ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{whole,upper,whole_1,upper_1}', actions => '{drop}')}),
	"DROP INDEX public.whole_a\nDROP INDEX CONCURRENTLY public.upper_1_a", 'foreign keys of partitions, and of their parents, keep their indexes');

# the way back is to the same tablespace
my $space = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE aside LOCATION '$space'");
sql('CREATE TABLE spaced (a int); CREATE INDEX spaced_1 ON spaced (a); CREATE INDEX spaced_2 ON spaced (a) TABLESPACE aside');
is(sql(q{SELECT undo_ddl FROM schemakit.advise_indexes(ARRAY[]::text[], tables => '{spaced}')}), 'CREATE INDEX CONCURRENTLY spaced_2 ON public.spaced USING btree (a) TABLESPACE aside',
	'the way back is to the same tablespace');
sql('DROP TABLE spaced');
sql('DROP TABLESPACE aside');

# what it takes to make advice is not what advice is for
my $statements = q{SELECT schemakit.advise_indexes_report() -> 'coverage' ->> 'statements'};
my $first = sql($statements);
is(sql($statements), $first, 'calls of the advisor are not in the workload');

# the same condition, of few rows and of most: rows that were returned tell them apart
sql(q{CREATE TABLE span (a int, b int, filler text); INSERT INTO span SELECT i, i, repeat('x', 50) FROM generate_series(1, 60000) AS i; ANALYZE span});
sql('SELECT stats.pg_stat_statements_reset()');
sql(join ';', map { "SELECT * FROM span WHERE a > 59990 - $_; SELECT * FROM span WHERE b > 10 + $_" } 1 .. 20);
like(sql(q{SELECT ddl FROM schemakit.advise_indexes(tables => '{span}', actions => '{create}')}), qr/\ACREATE INDEX CONCURRENTLY \w+ ON public\.span USING btree \(a\)\z/, 'a range of few rows gets an index, one of most does not');

# extensions that may be missing
SKIP:
{
	skip 'not checked: pg_trgm is not installed', 1 unless sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'});
	sql(q{CREATE EXTENSION pg_trgm SCHEMA app; CREATE TABLE prose AS SELECT i AS id, md5(i::text) AS body FROM generate_series(1, 60000) AS i; ANALYZE prose});
	is(sql(q{SELECT ddl FROM schemakit.advise_indexes(ARRAY[$$SELECT * FROM prose WHERE body LIKE '%12ab34%'$$, $$SELECT * FROM prose WHERE body ~ '12ab34'$$], tables => '{prose}')}),
		'CREATE INDEX CONCURRENTLY prose_body_idx ON public.prose USING gin (body app.gin_trgm_ops)', 'patterns are served with trigrams');
}
SKIP:
{
	skip 'not checked: hypopg is not installed', 2 unless sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'});
	# hypopg's indexes are there while EXPLAIN plans, so a function tells that the planner calls
	sql(q{CREATE EXTENSION hypopg; CREATE FUNCTION told() RETURNS int STABLE LANGUAGE plpgsql AS $$
		BEGIN
			RAISE NOTICE '%', (SELECT string_agg(l, E'\n')
				FROM schemakit.explain_with_indexes('SELECT * FROM span WHERE a = 5 OR b = 6', '{CREATE INDEX ON span (a)}') AS l);
			RETURN 1;
		END $$});
	for my $first ('hypopg', 'schemakit')
	{
		like(told(qq{LOAD '\$libdir/$first'; SELECT FROM hypopg_create_index('CREATE INDEX ON span (b)'); EXPLAIN SELECT FROM span WHERE a = told()}),
			qr/Bitmap Index Scan on span_a_idx.*Bitmap Index Scan on "?<\d+>btree_span_b/s, "what another extension tells the planner counts ($first loaded first)");
	}
}

# What decides is the time that is saved: statements as if they had been measured for a day
sql('CREATE DATABASE quiet');
sql(q{CREATE EXTENSION schemakit; CREATE EXTENSION pg_stat_statements;
	CREATE TABLE looked_up (id int PRIMARY KEY, owner int); INSERT INTO looked_up SELECT i, i % 3000 FROM generate_series(1, 60000) AS i; VACUUM ANALYZE looked_up;
	CREATE TABLE gone AS SELECT 1 AS gone;
	CREATE TABLE measured (pattern text, calls bigint, ms float8);
	DO $$ BEGIN
		EXECUTE (SELECT 'CREATE OR REPLACE VIEW pg_stat_statements AS SELECT ' ||
			string_agg(CASE attname WHEN 'calls' THEN 'm.calls' WHEN 'total_exec_time' THEN 'm.calls * m.ms AS total_exec_time' WHEN 'rows' THEN 's.rows * m.calls / s.calls AS rows'
				WHEN 'stats_since' THEN $v$now() - interval '1 day' AS stats_since$v$ ELSE 's.' || attname END, ', ' ORDER BY attnum)
			|| ' FROM pg_stat_statements(true) AS s JOIN measured AS m ON s.query LIKE m.pattern'
			FROM pg_attribute WHERE attrelid = 'pg_stat_statements'::regclass AND attnum > 0);
		CREATE OR REPLACE VIEW pg_stat_statements_info AS SELECT 0::bigint AS dealloc, now() - interval '1 day' AS stats_reset;
	END $$}, 'quiet');
sql(q{SELECT pg_stat_statements_reset()}, 'quiet');
sql(q{SELECT * FROM looked_up WHERE owner = 5; SELECT * FROM gone WHERE gone = 5}, 'quiet');
sql('DROP TABLE gone', 'quiet');

# The advice if each call takes so many milliseconds
sub advice_if
{
	my ($calls, $ms, $arguments) = @_;
	sql("TRUNCATE measured; INSERT INTO measured VALUES ('SELECT * FROM looked_up %', $calls, $ms)", 'quiet');
	return told("SELECT action FROM schemakit.advise_indexes($arguments)", 'quiet');
}
is(advice_if(1000, 10, ''), '0 create ', 'an index that saves seconds of a day is advised');
like(advice_if(50, 10, ''), qr/NOTICE:  no index is advised\nDETAIL:  "CREATE INDEX ON public.looked_up USING btree \(owner\).*" would save \d+ % of the workload, but was left out: it saves less than one second per day\.\nHINT:/,
	'on a server that does next to nothing none is, and it says so');
is(advice_if(50, 10, 'min_benefit => 0'), '0 create ', 'unless one wants all');
like(advice_if(10_000_000, 0.04, ''), qr/DETAIL:  Each statement takes less than 0\.05 ms per call, and less than 864 s per day\./, 'nor is one for a statement that is fast, as long as all of it takes minutes of a day');
is(sql(q{SELECT schemakit.advise_indexes_report() ->> 'fast_statements'}, 'quiet'), '1', 'which is counted');
is(advice_if(10_000_000, 0.04, 'min_benefit => 0'), '0 create ', 'unless one wants all');
is(advice_if(100_000_000, 0.04, ''), '0 create ', 'or it runs so often that a core is busy with it');
is(sql(q{SELECT schemakit.advise_indexes_report() ->> 'fast_statements'}, 'quiet'), '0', 'then it does not count as fast');
like(advice_if(3_000_000, 0.051, ''), qr/DETAIL:  "CREATE INDEX ON public\.looked_up USING btree \(owner\).*" would save \d+ % of the workload, but was left out: it saves less than 0\.05 ms per call, and less than 864 s per day\./,
	'of a slower one that can save no more, the index is named');
is(sql(q{SELECT count(*) > 0 FROM jsonb_array_elements(schemakit.advise_indexes_report() -> 'not_advised') AS i WHERE i ->> 'reason' LIKE 'it saves less than 0.05 ms per call%' AND (i ->> 'est_bytes')::bigint > 8192}, 'quiet'),
	't', 'and is in the report');
advice_if(10_000_000, 0.04, '');
sql(q{INSERT INTO measured VALUES ('SELECT * FROM gone %', 10000, 10)}, 'quiet');
like(told('SELECT action FROM schemakit.advise_indexes()', 'quiet'), qr/NOTICE:  statements with 20 % of the measured time could not be planned\nDETAIL:  The slowest of them: relation "gone" does not exist\.\nHINT:/,
	'much time that could not be planned is told');
is(sql(q{SELECT s ->> 'ms_per_day' FROM jsonb_array_elements(schemakit.advise_indexes_report() -> 'skipped') AS s}, 'quiet') * 1, 100000, 'and how much, in the report');
advice_if(50, 10, '');
is(sql(q{SELECT i ->> 'reason', (i ->> 'benefit_ms_per_day')::float8 BETWEEN 300 AND 500, (i ->> 'write_ms_per_day')::float8 < 100, r ->> 'min_gain_ms_per_day'
	FROM schemakit.advise_indexes_report() AS r, jsonb_array_elements(r -> 'not_advised') AS i}, 'quiet'), 'it saves less than one second per day|t|t|1000', 'what was left out is in the report, with its gain');
like(told(q{SELECT action FROM schemakit.advise_indexes('SELECT * FROM looked_up WHERE owner = 5', max_indexes => 0)}, 'quiet'), qr/would save \d\d.*max_indexes allows no more indexes\.$/m, 'max_indexes');
like(told(q{SELECT action FROM schemakit.advise_indexes('SELECT * FROM looked_up WHERE owner = 5', storage_budget => 8192)}, 'quiet'),
	qr/NOTICE:  1 index was not tried, since it is larger than storage_budget: it takes \d+ bytes\n.*\nDETAIL:  The indexes that might help are larger than "storage_budget"\.$/m, 'storage_budget');
like(told(q{SELECT action FROM schemakit.advise_indexes('SELECT * FROM looked_up WHERE owner = 5', min_benefit => 1)}, 'quiet'), qr/would save \d\d.*it saves less than min_benefit\.$/m, 'min_benefit');

# 10. On a standby
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
$standby->safe_psql('postgres', q{SELECT * FROM item WHERE price = 5; SELECT * FROM item WHERE price = 6});
is($standby->safe_psql('postgres', q{SELECT count(*) FROM schemakit.advise_indexes() WHERE ddl LIKE '%(price)%'}), '1', "advice for a standby's own statements");
is($standby->safe_psql('postgres', q{SELECT r -> 'skipped', r -> 'coverage' -> 'planned' FROM schemakit.advise_indexes_report(ARRAY['UPDATE item SET owner = 1 WHERE price = 3', 'DELETE FROM item WHERE owner = 7']) AS r}), '[]|2', 'also for statements that write');
$standby->stop;

# 11. Statistics that were reset, and texts that are no SQL
srand(42);
# what CREATE EXTENSION has run meanwhile is nothing to advise on
push @texts, split(/\n/, sql($texts)), q{SELECT * FROM item WHERE owner = $1 AND made > date $2 - interval $3 day AND code LIKE $4 || $5};
my $calls = '';
for my $i (1 .. 400)
{
	my @words = split /(\s+|[(),=])/, $texts[ rand @texts ];
	if ($i % 2)
	{
		splice @words, rand @words, 1 + rand 3 for 1 .. 1 + rand 2;
		@words[ rand @words ] = ('$' . int rand 5, '(', "'", 'CAST(', 'interval', '/*', '$999999999', 'extract($1 from', '::', chr(1 + int rand 255))[ rand 10 ];
	}
	else
	{
		# a value or a name becomes something that may do in its place
		my @values = grep { $words[$_] =~ /^\$\d+\z/ } 0 .. $#words;
		@values = grep { $words[$_] =~ /^[a-z_]+\z/ } 0 .. $#words if !@values || rand() < 0.3;
		$words[ $values[ rand @values ] ] = ('$' . (1 + int rand 9), 'NULL', '0', 'made', 'date $1', 'interval $2', 'extract($1 from now())', 'CAST($3 AS text)', '(SELECT $1)', '$1::int')[ rand 10 ] if @values;
	}
	my $text = join '', map { $_ // '' } @words;
	utf8::encode($text);
	$text =~ s/\$t\$//g;
	$calls .= "SELECT 'advised', r -> 'coverage' ->> 'planned', r -> 'coverage' ->> 'utility', r #>> '{skipped,0,sqlstate}', r #>> '{skipped,0,reason}'\n"
	  . "FROM schemakit.advise_indexes_report(ARRAY[\$t\$$text\$t\$]) AS r;\n";
}
my ($code, $out, $err) = $node->psql('postgres', $calls, on_error_stop => 0);
is(sql('SELECT 1'), '1', '400 broken texts, and the server lives');
my @reports = $out =~ /^advised\|.*/mg;
is(scalar @reports, 400, 'each has its report') or diag($err);
# what fails while a statement is planned is in the report, and not in the log
my $planned = grep { /^advised\|1/ } @reports;
my $skipped = grep { /^advised\|0\|0\|[0-9A-Z]{5}\|./ } @reports;
note("$planned are planned, $skipped are skipped");
cmp_ok($planned, '>', 30, 'some are planned all the same');
cmp_ok($skipped, '>', 80, 'and some are skipped, with the reason');
is(join("\n", grep { /^advised\|\d+\|\d+\|XX/ } @reports), '', 'which never is an internal error');
is(internal_errors($node), '', 'nothing is broken');
$node->stop;
done_testing();
