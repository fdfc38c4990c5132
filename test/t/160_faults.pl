# All features together, and what goes wrong around them: processes that are
# killed, a disk that is full, a job that nobody ran, locks that cannot be had, and
# two hundred clients on a few connections.
#
# SCHEMAKIT_SMALL_DISK is a directory on a small file system for the audit log;
# without it the size of files is limited.  SCHEMAKIT_SEED repeats the statements
# that are in each other's way, though not their timing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Faults;
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{SCHEMAKIT_SEED} // int(rand(1_000_000_000));
note("SCHEMAKIT_SEED=$seed");
srand($seed);
my $began = time;
sub part { note(sprintf('after %.0f s: %s', time - $began, $_[0])); return; }

# 1. Processes are killed, with signal 9.  The server's log tells of any other end.
part('processes that are killed');
my $killed = PostgreSQL::Test::Cluster->new('killed');
$killed->init;
$killed->append_conf('postgresql.conf', "restart_after_crash = on\nmax_connections = 50\n");
$killed->start;
new_database($killed, 'work');
my @scripts = map { ('-f', $_) } script($killed, 'work') . '@9', script($killed, 'undone', end => 'ROLLBACK') . '@1';

for my $round (1 .. 4)
{
	my $what = $round % 2 ? 'a backend' : 'the postmaster';
	my $before = $killed->safe_psql('work', 'SELECT count(*) FROM done');
	forget_months($killed, 'work');
	my $load = pgbench($killed, 'work', '-c', 8, '-j', 2, '-T', 100, @scripts);
	$killed->poll_query_until('work', "SELECT count(*) > $before + 120 FROM done") or die 'no load';
	my $postmaster = $killed->{_pid};
	# events are being moved to their months, too
	my $maintenance = IPC::Run::start([ 'psql', '-X', '-q', '-h', $killed->host, '-p', $killed->port, '-c', 'SELECT schemakit.audit_maintain()', 'work' ],
		'<', \undef, '>', \my $maintained, '2>', \my $said);
	sleep rand(0.2);
	if ($round % 2)
	{
		# one that is in the middle of a transaction
		my ($victim, $until) = ('', time + 60);
		until ($victim)
		{
			die 'no transaction is there to be killed' if time > $until;
			$victim = $killed->safe_psql('work', q{SELECT pid FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND query LIKE '%parents%' LIMIT 1});
		}
		my @server = children_of($postmaster);
		kill 'KILL', $victim;
		$load->finish;
		accepts($killed->host, $killed->port, 'work') or die 'the server does not come back';
		ok(!(grep { kill 0, $_ } @server), "round $round: $what was killed, and the server began anew");
	}
	else
	{
		my @orphans = children_of($postmaster);
		kill 'KILL', $postmaster;
		ok(wait_for_end($postmaster, @orphans), "round $round: $what was killed, and nobody goes on without it");
		$load->finish;
		$killed->{_pid} = undef;
		$killed->start;
	}
	$maintenance->finish;
	unlike(slurp_file($killed->basedir . '/bench.err'), qr/ERROR:/, "round $round: no statement failed before");
	my $told = committed($killed, 1);
	my $there = $killed->safe_psql('work', 'SELECT count(*) FROM done') - $before;
	cmp_ok($told, '>', 0, "round $round: clients were told of transactions");
	cmp_ok($there, '>=', $told, "round $round: all $told transactions that clients were told of are there ($there)");
	cmp_ok($there, '<=', $told + 8, "round $round: and no more than one for each client that was not");
	remember($killed, 'work', $round);
}
holds($killed, 'work', 'after the kills');
follows_rules($killed, 'work', 'later', 'after the kills');
my $log = q{SELECT count(*), md5(string_agg(l::text, ' ' ORDER BY txn_id, n)) FROM schemakit.audit_log AS l};
my $before_maintenance = $killed->safe_psql('work', $log);
$killed->safe_psql('work', 'SELECT schemakit.audit_maintain()');
is($killed->safe_psql('work', $log), $before_maintenance, 'maintenance that was killed has not lost or doubled anything');
is( $killed->safe_psql('work', q{SELECT (SELECT count(*) FROM schemakit.audit_event_default),
		(SELECT count(*) FROM pg_class WHERE relnamespace = 'schemakit'::regnamespace AND relkind = 'r' AND relname ~ '^audit_event_' AND NOT relispartition)}),
	'0|0', 'is done by the next one, and leaves nothing lying about');
$killed->stop;
my @ends = slurp_file($killed->logfile) =~ /((?:was terminated by signal|PANIC:|TRAP:).*)/g;
is(join("\n", @ends), join("\n", ('was terminated by signal 9: Killed') x 2), 'nothing has ended but what was killed');

# 2. The disk with the audit log is full.
part('a full disk');
my $node = PostgreSQL::Test::Cluster->new('main');
# segments smaller than what files are limited to
$node->init(extra => [ '--wal-segsize=1' ]);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_connections = 60\n");
$node->start;
SKIP:
{
	my $disk = $ENV{SCHEMAKIT_SMALL_DISK};
	my ($prlimit) = grep { -x } map { "$_/prlimit" } split(':', $ENV{PATH}), '/usr/bin';
	skip 'not checked: neither SCHEMAKIT_SMALL_DISK nor prlimit is there', 36 unless $disk || $prlimit;

	new_database($node, 'disk');
	$node->safe_psql('disk', 'CREATE TABLE unaudited (id int)');
	my $session = $node->background_psql('disk', on_error_stop => 0);
	my $pid = $session->query_safe("\\set VERBOSITY verbose\nSELECT pg_backend_pid()");
	my $rows = q{SELECT 1, string_agg(md5(random()::text), '') FROM generate_series(1, 400) AS g, generate_series(1, 50) GROUP BY g};
	my $start = 'BEGIN; INSERT INTO done DEFAULT VALUES';

	# a transaction of its own; returns its error, or nothing
	my $try = sub {
		my ($sql) = @_;
		$session->query("$start; $sql; COMMIT");
		my ($error) = $session->{stderr} =~ /(ERROR:.*)/;
		$session->{stderr} = '';
		return $error // '';
	};

	# many small events at once, and some large ones
	is($try->('INSERT INTO children (parent) SELECT i % 60 + 1 FROM generate_series(1, 3000) AS i'), '', 'there is room at first');
	is($try->("INSERT INTO plain (p, name) SELECT 2, s FROM ($rows) AS r(p, s), generate_series(1, 3)"), '', 'and some more');
	is($try->('DELETE FROM plain WHERE p = 2'), '', 'also for deleting');
	remember($node, 'disk', 1);
	# from 19 on those who read set bits in the visibility map, whose file wants to be there
	$node->safe_psql('disk', "VACUUM $_") for leaves($node, 'disk');
	my $place = $disk && "$disk/log$$";
	if ($disk)
	{
		mkdir $place or die "$place: $!";
		$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$place'");
		$node->safe_psql('disk', "ALTER TABLE $_ SET TABLESPACE small") for leaves($node, 'disk');
		# others have left 8 MB
		my ($free) = `df --output=avail -k '$place'` =~ /(\d+)/;
		append_to_file("$place.others", "\0" x (1024 * ($free - 8192))) if $free > 8192;
	}
	else
	{
		# The log is the largest file.  It ends within a page: the server has no SQLSTATE
		# for files that are too large, but one for pages that are written in part.
		my $size = $node->safe_psql('disk', q{SELECT max(pg_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass});
		system_or_bail($prlimit, '--pid', $pid, '--fsize=' . ($size + 2000000) . ':');
	}

	my $before;
	my $fill = sub {
		my ($sql) = @_;
		my ($error, $count) = ('', 0);
		while ($error eq '' && $count++ < 200)
		{
			$before = contents($node, 'disk');
			$error = $try->($sql);
		}
		return $error;
	};
	# from 16 on files may be extended by many pages at once, with the system's own error
	my $full = qr/^ERROR:  (?:53100: could not extend file|XX000: could not extend file .*: File too large)/;
	like($fill->("INSERT INTO plain (p, name) $rows"), $full, 'INSERT fails when the log is full');
	is(contents($node, 'disk'), $before, 'and changes nothing');
	# what is left between large events has room for small ones
	like($fill->('UPDATE children SET n = n + 1'), $full, 'small changes fail when that is full');
	is(contents($node, 'disk'), $before, 'and change nothing');
	my %statement = (
		'UPDATE' => 'UPDATE plain SET name = reverse(name)',
		'DELETE' => 'DELETE FROM plain',
		'TRUNCATE' => 'TRUNCATE plain',
		'deleting from the live view' => 'DELETE FROM parents_live');
	for my $name (sort keys %statement)
	{
		like($try->($statement{$name}), $full, "$name fails, too");
		is(contents($node, 'disk'), $before, "$name has changed nothing");
	}
	$start = 'BEGIN';
	like($try->("INSERT INTO unaudited VALUES (1); SAVEPOINT one; INSERT INTO plain (p, name) $rows; ROLLBACK TO one"), $full, 'a savepoint is rolled back to');
	is($node->safe_psql('disk', 'SELECT id FROM unaudited'), '1', 'and what is not audited goes on');
	is(contents($node, 'disk'), $before, 'without what was rolled back');
	$start = 'BEGIN; INSERT INTO done DEFAULT VALUES';
	holds($node, 'disk', 'with a full disk');

	# there is room again
	if ($disk)
	{
		unlink "$place.others";
	}
	else
	{
		system_or_bail($prlimit, '--pid', $pid, '--fsize=unlimited:');
	}
	is($try->("INSERT INTO plain (p, name) $rows"), '', 'with room the session goes on: INSERT');
	is($try->($statement{$_} =~ s/( plain.*)/$1 WHERE id % 9 = 0/r), '', "$_ as well") for 'UPDATE', 'deleting from the live view', 'DELETE';
	remember($node, 'disk', 2);
	if ($disk)
	{
		$node->safe_psql('disk', "ALTER TABLE $_ SET TABLESPACE pg_default") for leaves($node, 'disk');
		is($try->($statement{'DELETE'}), '', 'the log may be moved elsewhere, too');
		$node->safe_psql('postgres', 'DROP TABLESPACE small');
		rmdir $place;
	}
	$session->quit;
	holds($node, 'disk', 'with room again');
}

# 3. More than a year without maintenance
part('a job that did not run');
SKIP:
{
	my ($library) = glob('/usr/lib/*/faketime/libfaketime.so.1');
	skip 'not checked: libfaketime is not installed', 31 unless $library;
	my $late = PostgreSQL::Test::Cluster->new('late');
	$late->init;
	my $days = 0;
	my $start = sub {
		local %ENV = (%ENV, LD_PRELOAD => $library, FAKETIME => "+${days}d", DONT_FAKE_MONOTONIC => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1);
		$late->start;
	};
	my $ahead = 'EXTRACT(epoch FROM now())';
	for (0, 200, 400)
	{
		$days = $_;
		$start->();
		is(int(($late->safe_psql('postgres', "SELECT $ahead") - time) / 86400 + 0.5), $days, "the server's clock is $days days ahead");
		if ($days == 0)
		{
			new_database($late, 'work');
			script($late, 'work');
		}
		my $load = pgbench($late, 'work', '-c', 4, '-t', 60, '-f', $late->basedir . '/work.sql');
		ok($load->finish, 'no write fails') or diag(slurp_file($late->basedir . '/bench.err'));
		remember($late, 'work', $days);
		$late->stop if $days < 400;
	}
	is( $late->safe_psql('work', q{SELECT count(DISTINCT date_trunc('month', at AT TIME ZONE 'UTC')) > 1, count(*) > 2000 FROM schemakit.audit_event_default}),
		't|t', 'events of several months are in the default partition');
	my $before = $late->safe_psql('work', $log);
	holds($late, 'work', 'before maintenance');
	my $done = $late->safe_psql('work', 'SELECT * FROM schemakit.audit_maintain()');
	unlike($done, qr/busy/, 'maintenance is done');
	is($late->safe_psql('work', $log), $before, 'it loses nothing');
	is( $late->safe_psql('work', q{SELECT tableoid::regclass FROM schemakit.audit_event WHERE tableoid::regclass::text <> 'schemakit.audit_event_p' || to_char(at AT TIME ZONE 'UTC', 'YYYY_MM')}),
		'', 'all is in the partitions of its month');
	is( $late->safe_psql('work', q{SELECT count(*) FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'), (now() + '3 months') AT TIME ZONE 'UTC', '1 month') AS m
			WHERE to_regclass(format('schemakit.audit_event_p%s', to_char(m, 'YYYY_MM'))) IS NULL}),
		'0', 'and the months ahead are there');
	like($late->safe_psql('work', q{SELECT string_agg(DISTINCT action, ' ') FROM schemakit.audit_maintain()}), qr/^(indexed)?$/, 'a second run indexes the months that are over');
	is($late->safe_psql('work', q{SELECT count(*) FROM schemakit.audit_maintain()}), '0', 'a third one has nothing to do');
	holds($late, 'work', 'after maintenance');

	# the first month has ended more than a year ago, that of day 200 has not
	my $kept = $late->safe_psql('work', q{SELECT count(*) FROM schemakit.audit_event WHERE at > now() - interval '300 days'});
	my $gone = $late->safe_psql('work', q{SELECT tableoid::regclass FROM schemakit.audit_event ORDER BY at LIMIT 1});
	like($late->safe_psql('work', q{SELECT * FROM schemakit.audit_maintain(retain => '1 year')}), qr/^audit_event_p\w+\|dropped$/m, 'what is older than a year is dropped');
	is( $late->safe_psql('work', qq{SELECT to_regclass('$gone'), count(*), min(at) > now() - interval '300 days' FROM schemakit.audit_event}),
		"|$kept|t", 'and nothing else');
	is( $late->safe_psql('work', q{SELECT n, rel, d FROM moments, audited, as_of_differences(n, rel) AS d WHERE n > 0}),
		'', 'audit_as_of() still tells of the time that is kept');
	my $load = pgbench($late, 'work', '-c', 4, '-t', 20, '-f', $late->basedir . '/work.sql');
	ok($load->finish, 'and writing goes on');
	is($late->safe_psql('work', 'SELECT count(*) FROM schemakit.audit_event_default'), '0', 'where it belongs');
	$late->stop;
}

# 4. Locks that cannot be had
part('locks that cannot be had');
new_lock_database($node, 'locks');
my (@sessions, @said);
for my $i (0 .. 9)
{
	my $file = $node->basedir . "/session$i.sql";
	append_to_file($file, join("\nROLLBACK;\n", '\set VERBOSITY verbose', (map { $i < 4 ? ddl() : transaction() } 1 .. 250), ''));
	push @said, '';
	local $ENV{PGOPTIONS} = '-c lock_timeout=50ms -c deadlock_timeout=20ms -c client_min_messages=warning';
	push @sessions, IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-f', $file, 'locks' ], '>', \my $out, '2>', \$said[$i]);
}
$_->finish for @sessions;
my %seen;
$seen{$_}++ for map { /(?:ERROR|FATAL|PANIC|WARNING):  (\w{5}):/g } @said;
delete $seen{'25P01'};    # there is no transaction to be rolled back
note(join(' ', map { "$_: $seen{$_}" } sort keys %seen));
# tables and columns that are not there or are there already, parents that are gone
my %expected = map { $_ => 1 } qw(55P03 40P01 42P01 42P07 42710 42703 23503 23505);
is(join("\n", grep { /(?:ERROR|FATAL|PANIC|WARNING):  (\w{5}):/ && !$expected{$1} && $1 ne '25P01' } map { split /\n/ } @said),
	'', 'nothing fails but for locks, and for what is not there');
cmp_ok($seen{'55P03'} // 0, '>', 0, 'locks were not to be had');
cmp_ok($seen{'40P01'} // 0, '>', 0, 'and there were deadlocks');
is(scalar(grep { !$_->result(0) } @sessions), 10, 'no session was cut off');
is($node->safe_psql('locks', q{SELECT * FROM schemakit.status() WHERE state NOT IN ('ok', 'disabled trigger')}), '', 'status() tells of nothing but what was disabled');
my $missing = q{SELECT s.relid, a.attname FROM schemakit.status() AS s JOIN pg_attribute AS a ON a.attrelid = s.relid
	WHERE feature = 'soft_delete' AND attnum > 0 AND NOT attisdropped AND NOT EXISTS (SELECT FROM pg_attribute AS v
		WHERE v.attrelid = to_regclass(s.relid || '_live') AND v.attname = a.attname)};
is($node->safe_psql('locks', $missing), '', 'and live views have all columns of their tables');
# What has been disabled is enabled again, as a user would.
for my $table (split /\n/, $node->safe_psql('locks', q{SELECT relname FROM pg_class WHERE relname LIKE 'w\_%' AND relkind = 'r'}))
{
	my $off = $node->safe_psql('locks', "SELECT count(*) FROM schemakit.status() WHERE relid = '$table'::regclass AND feature = 'audit' AND state <> 'ok'");
	$node->safe_psql('locks', enabled($table, "SELECT schemakit.audit_enable('$table', baseline => true)")) if $off;
	$node->safe_psql('locks', "SELECT schemakit.soft_delete_enable('$table'); UPDATE $table SET n = n + 1 WHERE id % 3 = 0; DELETE FROM ${table}_live WHERE id % 7 = 0");
}
is($node->safe_psql('locks', q{SELECT * FROM schemakit.status() WHERE state <> 'ok'}), '', 'status() finds no fault');
is($node->safe_psql('locks', $missing), '', 'live views have all columns when they are enabled again');
my $replayed = $node->safe_psql('locks', 'SELECT replay()');
is($node->safe_psql('locks', 'SELECT rel, d FROM audited, differences(rel) AS d'), '', "the log gives every table ($replayed events)");

# The same where it matters who is first, one at a time.  Somebody who reads the
# live view while the table is rewritten has a lock on the view, and waits for the
# table.
$node->safe_psql('locks', q{CREATE TABLE x (id int PRIMARY KEY, n int); SELECT schemakit.soft_delete_enable('x'); INSERT INTO x VALUES (1, 1);
	CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_xact_lock(160); RETURN 1; END$$});
my @psql = ('psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', '-h', $node->host, '-p', $node->port, '-d', 'locks', '-c');
my $waiting = q{FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())};
my $holder = $node->background_psql('locks');
$holder->query_safe('SELECT pg_advisory_lock(160)');
# it is ALTER TABLE that finds out about a deadlock
my $rewrite = IPC::Run::start([ @psql, 'SET deadlock_timeout = 20', '-c', 'ALTER TABLE x ADD COLUMN c int DEFAULT slow()' ], '>', \my $rewritten, '2>', \my $rewrite_said);
$node->poll_query_until('locks', "SELECT count(*) = 1 $waiting") or die 'ALTER TABLE does not wait';
my $reader = IPC::Run::start([ @psql, q{SET deadlock_timeout = '1min'}, '-c', 'SELECT n FROM x_live' ], '>', \my $read, '2>', \my $reader_said);
$node->poll_query_until('locks', "SELECT count(*) = 2 $waiting") or die 'the reader does not wait';
$holder->query_safe('SELECT pg_advisory_unlock(160)');
$_->finish for $rewrite, $reader;
is($rewrite_said . $reader_said, '', 'no deadlock between ADD COLUMN and a reader of the live view');
is($node->safe_psql('locks', q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'x_live'::regclass AND attname = 'c'}), '1', 'the live view has the column');

# Whoever sets lock_timeout and does not get the lock on the live view is told so,
# also if that is free a moment later.
$holder->query_safe(q{BEGIN; SELECT n FROM x_live});
my $drop = IPC::Run::start([ @psql, q{SET lock_timeout = '1s'}, '-c', 'ALTER TABLE x DROP COLUMN n' ], '>', \my $dropped, '2>', \my $drop_said);
$drop->pump until $drop_said =~ /WARNING|ERROR/ || !$drop->pumpable;
$holder->query_safe('COMMIT');
$drop->finish;
$holder->quit;
like($drop_said, qr/^ERROR:  55P03:/, 'a lock on the live view that cannot be had is the error that is reported');

# Many who read the table, or the view, do not keep a command waiting for ever.
my $reads = $node->basedir . '/reads.sql';
append_to_file($reads, "SELECT pg_sleep(0.2 + random() * 0.4) FROM x LIMIT 1;\n");
append_to_file("$reads.live", "SELECT pg_sleep(0.2 + random() * 0.4) FROM x_live LIMIT 1;\n");
$node->safe_psql('locks', 'INSERT INTO x_live (id) VALUES (2)');
my @readers = map { IPC::Run::start([ 'pgbench', '-n', '-c', 8, '-T', 300, '-f', $_, '-h', $node->host, '-p', $node->port, 'locks' ], '>', '/dev/null', '2>', '/dev/null') } $reads, "$reads.live";
$node->poll_query_until('locks', q{SELECT count(*) = 16 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(0.2%'}) or die 'nobody reads';
is($node->safe_psql('locks', q{SET statement_timeout = '30s'; ALTER TABLE x ADD COLUMN d int; ALTER TABLE x DROP COLUMN d; SELECT 'done'}), 'done', 'among many readers tables are altered');
$_->signal('TERM') for @readers;
$_->finish for @readers;

# Nor does it keep who has read the table from reading the view, however long that
# takes, with the server's own deadlock_timeout.
for my $seconds (1.7, 4.6)
{
	my $slow = IPC::Run::start([ @psql, 'BEGIN', '-c', 'SELECT count(*) FROM x', '-c', "SELECT pg_sleep($seconds)", '-c', 'SELECT count(*) FROM x_live', '-c', 'COMMIT' ],
		'>', \my $slow_out, '2>', \my $slow_said);
	$node->poll_query_until('locks', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%' AND state = 'active'}) or die 'nobody reads';
	my $alter = IPC::Run::start([ @psql, 'ALTER TABLE x ADD COLUMN IF NOT EXISTS e int' ], '>', \my $alter_out, '2>', \my $alter_said);
	$_->finish for $slow, $alter;
	is($slow_said . $alter_said, '', "nobody deadlocks with a reader who takes $seconds s");
	$node->safe_psql('locks', 'ALTER TABLE x DROP COLUMN e');
}

# Autovacuum, which the server ends for who has waited for deadlock_timeout, is ended
# for it as well.
$node->safe_psql('locks', q{INSERT INTO x (id) SELECT generate_series(100001, 120000);
	ALTER TABLE x SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)});
$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_naptime = 1s");
$node->reload;
$node->safe_psql('locks', 'UPDATE x SET id = id + 100000 WHERE id > 100000');
$node->poll_query_until('locks', q{SELECT count(*) = 1 FROM pg_stat_progress_vacuum WHERE relid = 'x'::regclass}) or die 'nobody vacuums';
is($node->safe_psql('locks', q{SET statement_timeout = '30s'; SET deadlock_timeout = '3s'; ALTER TABLE x ADD COLUMN f int; SELECT 'done'}), 'done', 'autovacuum does not keep a table from being altered');
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->reload;
$node->safe_psql('locks', 'ALTER TABLE x SET (autovacuum_enabled = false)');

# 5. Many clients on few connections
part('many clients');
SKIP:
{
	skip 'not checked: pgbouncer is not installed', 14 unless program('pgbouncer');
	new_database($node, 'pool');
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	my ($pooler, $port, $dir) = start_pooler($node, 'pool', 10);
	ok(accepts($dir, $port, 'pool'), 'connected through pgbouncer');

	# Everybody's name is new in each transaction; some say it in another way, are
	# somebody else in a savepoint that is rolled back, or say nothing.
	my $name = 'c:client_id-:r';
	my $set = qq{SELECT schemakit.audit_set_actor('$name', '{"by": "$name"}');};
	my @files = (
		script($node, 'set', actor => $set),
		script($node, 'local', actor => "SET LOCAL schemakit.audit_actor = '$name';"),
		script($node, 'changed', actor => "SAVEPOINT other; SELECT schemakit.audit_set_actor('other'); INSERT INTO plain (name) VALUES ('undone'); ROLLBACK TO other; $set"),
		script($node, 'nobody'),
		script($node, 'never', actor => $set, end => 'ROLLBACK'));
	# each statement names who acts
	append_to_file("$dir/comment.sql", <<"S");
\\set r random(0, 1000000000)
BEGIN;
INSERT INTO done (actor) VALUES ('$name');
INSERT INTO plain (name) VALUES ('kept') /*actor='$name'*/;
UPDATE plain SET n = n + 1 WHERE id = currval('plain_id_seq') /*route='x',actor='$name'*/;
COMMIT;
S
	push @files, "$dir/comment.sql";
	my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 200, '-j', 2, '-t', 12, (map { ('-f', $_) } @files), '-h', $dir, '-p', $port, '-U', $user, 'pool' ],
		'>', "$dir/bench.out", '2>', "$dir/bench.err");
	$node->poll_query_until('pool', 'SELECT count(*) > 200 FROM done') or die 'no load';
	remember($node, 'pool', 1);
	ok($load->finish, '200 clients on 10 connections') or diag(slurp_file("$dir/bench.err"));
	$pooler->signal('INT');
	$pooler->finish;

	remember($node, 'pool', 2);
	my @ended = map { committed($node, $_) } 1 .. @files;
	is(scalar(grep { $_ > 0 } @ended), scalar(@files), 'all scripts have run');
	is( $node->safe_psql('pool', q{SELECT count(*) FROM schemakit.audit_log AS l JOIN done AS d USING (xid) WHERE l.actor IS DISTINCT FROM d.actor}),
		'0', 'every event is of who its transaction said, and of nobody else');
	is( $node->safe_psql('pool', q{SELECT count(*) FROM schemakit.audit_event WHERE context IS NOT NULL AND context ->> 'by' IS DISTINCT FROM actor}), '0', 'what else they said is theirs');
	my $all = $ended[0] + $ended[1] + $ended[2] + $ended[3] + $ended[5];
	is($node->safe_psql('pool', q{SELECT count(DISTINCT xid), count(DISTINCT xid) FILTER (WHERE actor IS NULL), count(DISTINCT pid) <= 10
			FROM schemakit.audit_log WHERE xid IN (SELECT xid FROM done OFFSET 1)}), "$all|$ended[3]|t", "all $all transactions are there");
	holds($node, 'pool', 'behind the pool');
}

$node->stop;
done_testing();
