# audit_search() against a query that reads all of schemakit.audit_log: random conditions,
# page by page, over months that are over and have their indexes, the present one, and
# the default partition, while sessions write.
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $db = 'postgres';
my $seed = $ENV{SCHEMAKIT_SEED} // int(rand(1_000_000_000));
note("SCHEMAKIT_SEED=$seed");
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql($db, q{
CREATE EXTENSION schemakit;
SET schemakit.timestamps_auto = off;
CREATE TABLE t (id int PRIMARY KEY, v int, s text);
CREATE TABLE u (id int PRIMARY KEY, v int, s text);
CREATE TABLE k (v int, s text);
SELECT schemakit.audit_enable('t'), schemakit.audit_enable('u', capture => 'full'), schemakit.audit_enable('k');
CREATE PROCEDURE work(n int) LANGUAGE plpgsql AS $$
DECLARE r int;
BEGIN
    FOR i IN 1..n LOOP
        PERFORM set_config('schemakit.audit_actor', (ARRAY['ann', 'bob', 'eve', ''])[1 + (random() * 3)::int], false);
        FOR j IN 1..1 + (random() * 2)::int LOOP
            r := 1 + random() * 30;
            INSERT INTO t VALUES (r, r % 3, 'new') ON CONFLICT (id) DO UPDATE SET v = t.v + r % 2, s = 's' || r % 3;
            IF r < 5 THEN DELETE FROM t WHERE id = r + 1; END IF;
            INSERT INTO u VALUES (r, r % 3, 'new') ON CONFLICT (id) DO UPDATE SET s = 's' || r % 4;
            IF r = 7 THEN UPDATE u SET id = 1000 + i WHERE id = 9; TRUNCATE k; ELSE INSERT INTO k VALUES (r, 'x'); END IF;
        END LOOP;
        COMMIT;
    END LOOP;
END$$;
CALL work(150);
});

# The same events two months ago and three, and in a month that has no partition
$node->safe_psql($db, q{
SET schemakit.audit_writable = on;
CREATE TABLE events AS SELECT * FROM schemakit.audit_event;
INSERT INTO schemakit.audit_event SELECT (e).* FROM (SELECT jsonb_populate_record(x, jsonb_build_object('txn_id', x.txn_id # (m::bigint << 50), 'at', x.at - make_interval(months => m), 'changed_at', x.changed_at - make_interval(months => m))) AS e FROM events AS x, generate_series(2, 3) AS m) AS s;
SELECT schemakit.audit_maintain();
SELECT schemakit.audit_maintain();
});
is($node->safe_psql($db, q{SELECT count(DISTINCT tablename) FROM pg_indexes WHERE schemaname = 'schemakit' AND indexname ~ '_p\d+_\d+_value_idx$'}), '2', 'months that are over have indexes');
is($node->safe_psql($db, q{SELECT count(*) FROM schemakit.audit_maintain() WHERE action = 'indexed'}), '0', 'which are made once');
$node->safe_psql($db, q{SET schemakit.audit_writable = on; INSERT INTO schemakit.audit_event SELECT (e).* FROM (SELECT jsonb_populate_record(x, jsonb_build_object('txn_id', x.txn_id # (1::bigint << 52), 'at', x.at - interval '5 months', 'changed_at', x.changed_at - interval '5 months')) AS e FROM events AS x) AS s; DROP TABLE events});
is($node->safe_psql($db, q{SELECT count(*) > 0 FROM schemakit.audit_event_default}), 't', 'there are events without a partition');

# A condition of audit_search() and the same one as a query
my $now = $node->safe_psql($db, 'SELECT now()');
sub condition
{
	my (@args, @where);
	my $one = sub { return $_[ int(rand(@_)) ] };
	if (rand() < 0.4) { my $a = $one->('ann', 'bob', 'nobody', ''); push @args, "actor => '$a'"; push @where, "actor = '$a'"; }
	if (rand() < 0.4) { my $t = $one->('t', 'u', 'k', 't,k'); push @args, "tables => '{$t}'"; push @where, "table_name = ANY (ARRAY[" . join(', ', map { "'public.$_'" } split /,/, $t) . '])'; }
	if (rand() < 0.3) { my $d = $one->(0, 1, 40, 70, 100); push @args, "from_at => '$now'::timestamptz - interval '$d days'"; push @where, "at >= '$now'::timestamptz - interval '$d days'"; }
	if (rand() < 0.3) { my $d = $one->(-1, 0, 50, 80); push @args, "to_at => '$now'::timestamptz - interval '$d days'"; push @where, "at < '$now'::timestamptz - interval '$d days'"; }
	if (rand() < 0.3) { my $c = $one->('v', 's', 'id', 'v,s', 'none'); push @args, "columns => '{$c}'"; push @where, "changed && '{$c}'"; }
	if (rand() < 0.3) { my $o = $one->('I', 'U', 'D', 'T'); push @args, "op => '$o'"; push @where, "op = '$o'"; }
	if (rand() < 0.3) { my $v = $one->('{"v": 1}', '{"s": "s1"}', '{"s": "new", "v": 2}', '{"v": 77777}', '{"id": 1003}'); push @args, "value => '$v'"; push @where, "(old @> '$v' OR new @> '$v')"; }
	return (join(', ', @args), join(' AND ', 'true', @where));
}

# Page by page; what each row is
sub pages
{
	my ($args, $most) = @_;
	my ($before, @found) = ('');
	while (1)
	{
		my $all = join(', ', grep { $_ ne '' } $args, "max_rows => $most", $before);
		my @rows = split /\n/, $node->safe_psql($db, "SELECT place, txn_id, n FROM schemakit.audit_search($all)");
		last if !@rows;
		for (@rows)
		{
			my ($place, $txn_id, $n) = split /\|/;
			push @found, "$txn_id.$n";
			$before = "before => '$place'";
		}
		last if @rows < $most;
	}
	return @found;
}

my @writers = map { my ($in, $out) = ("CALL work(500);\n", ''); IPC::Run::start([ $node->installed_command('psql'), '-X', '-q', '-d', $node->connstr($db) ], '<', \$in, '>&', \$out) } 1 .. 2;
my @wrong;
my $rows = 0;
for my $i (1 .. 60)
{
	my ($args, $where) = condition();
	my $order = 'ORDER BY at DESC, txn_id DESC, command DESC, n DESC';
	# what is there before is found, and in that order; what comes later may be
	my @before = split /\n/, $node->safe_psql($db, "SELECT txn_id || '.' || n FROM schemakit.audit_log WHERE $where $order");
	my $most = 1 + int(rand(@before < 100 ? 20 : 400));
	my @found = pages($args, $most);
	my %there = map { $_ => 1 } split /\n/, $node->safe_psql($db, "SELECT txn_id || '.' || n FROM schemakit.audit_log WHERE $where");
	my (%known, %seen);
	$known{$_} = 1 for @before;
	my $wrong = '';
	for (@found)
	{
		$wrong .= " $_ twice" if $seen{$_}++;
		$wrong .= " $_ does not match" if !$there{$_};
	}
	$wrong .= ' order' if join(' ', grep { $known{$_} } @found) ne join(' ', @before);
	push @wrong, "audit_search($args), pages of $most:$wrong" if $wrong ne '';
	$rows += @found;
}
$_->finish for @writers;
is(join("\n", @wrong), '', 'pages have what a query finds, once and in its order');
cmp_ok($rows, '>', 1000, 'these are many rows');

# Maintenance leaves an index to the next time if somebody has locked the partition.
my $partition = $node->safe_psql($db, q{SELECT min(tablename) FROM pg_indexes WHERE indexname ~ '_p\d+_\d+_value_idx$'});
$node->safe_psql($db, "SET schemakit.audit_writable = on; DROP INDEX schemakit.${partition}_value_idx");
my $session = $node->background_psql($db);
$session->query_safe("BEGIN; LOCK TABLE schemakit.$partition IN ROW EXCLUSIVE MODE");
is($node->safe_psql($db, "SELECT action FROM schemakit.audit_maintain() WHERE partition = '$partition'"), 'busy', 'a partition that somebody has locked is busy');
$session->query_safe('ROLLBACK');
is($node->safe_psql($db, "SELECT action FROM schemakit.audit_maintain() WHERE partition = '$partition'"), 'indexed', 'and gets its index the next time');
# One that began in the month may still write there: nothing is closed before it ends.
$session->quit;

# A dump has no indexes of ours twice; the next maintenance makes them again.
$node->run_log([ 'pg_dump', '-Fc', '-f', $node->basedir . '/dump', '-d', $node->connstr($db) ]);
$node->safe_psql($db, 'CREATE DATABASE copy');
is($node->run_log([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $node->basedir . '/dump' ]), 1, 'a dump is restored');
is($node->safe_psql('copy', q{SELECT string_agg(DISTINCT action, ', ') FROM schemakit.audit_maintain()}), 'indexed', 'and its months get their indexes');
is($node->safe_psql('copy', q{SELECT count(*) FROM schemakit.audit_search('ann', max_rows => 10000)}), $node->safe_psql($db, q{SELECT count(*) FROM schemakit.audit_search('ann', max_rows => 10000)}), 'and the same events are found');

done_testing();
