# Positions of audit_changes() where numbers of transactions are given twice: after a
# crash, at a standby that did not have all, and after recovery to a time before.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $db = 'postgres';
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "shared_buffers = 64MB\nautovacuum = off\nwal_keep_size = 1GB\nfsync = on\nsynchronous_commit = on\nrestart_after_crash = off");
$primary->start;
$primary->safe_psql($db, q{CREATE EXTENSION schemakit; CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE flushed (n serial); SELECT schemakit.audit_enable('t'); INSERT INTO t VALUES (1); CHECKPOINT});

# Nobody but who must flushes the WAL from here on: buffers are not evicted, either.  The
# process may have been stopped while it was writing, and then nobody else can: it
# goes on for a while.
sub hold_wal_writer
{
	my $pid = $primary->safe_psql($db, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'});
	for (1 .. 20)
	{
		my $timed_out = 0;
		kill 'STOP', $pid;
		$primary->psql($db, 'INSERT INTO flushed DEFAULT VALUES', timeout => 5, timed_out => \$timed_out);
		return if !$timed_out;
		kill 'CONT', $pid;
		sleep 1;
	}
	die 'the WAL writer cannot be stopped';
}

sub position { return $_[0]->safe_psql($db, 'SELECT schemakit.audit_position()') }
sub changes { return $_[0]->safe_psql($db, "SELECT string_agg(key->>'id', ' ') FROM schemakit.audit_changes('$_[1]')") }

# A transaction that is rolled back: nobody waits for its WAL.
hold_wal_writer();
my $rolled_back = $primary->safe_psql($db, 'BEGIN; INSERT INTO t VALUES (2); SELECT pg_current_xact_id(); ROLLBACK');
my $position = position($primary);
$primary->stop('immediate');
$primary->start;
for my $id (3 .. 5)
{
	$primary->safe_psql($db, "INSERT INTO t VALUES ($id)");
}
is(changes($primary, $position), '3 4 5', "after a crash all is returned that was done since (transaction $rolled_back was rolled back before)");

# The same if the position came with changes
hold_wal_writer();
$position = $primary->safe_psql($db, "SET synchronous_commit = off; INSERT INTO t VALUES (6); SELECT position FROM schemakit.audit_changes('$position') LIMIT 1");
$primary->stop('immediate');
$primary->start;
is($primary->safe_psql($db, 'SELECT count(*) FROM t WHERE id = 6'), '1', 'what a position includes is there after a crash, however it was committed');
$primary->safe_psql($db, 'INSERT INTO t VALUES (7)');
is(changes($primary, $position), '7', 'and is not returned again');

# A standby that does not have all, and goes on.
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
my $shared = position($primary);
$primary->safe_psql($db, 'INSERT INTO t VALUES (8)');
$primary->wait_for_catchup($standby);
$standby->stop;
$primary->safe_psql($db, 'INSERT INTO t VALUES (9)');
my $lost = position($primary);
is(changes($primary, $shared), '8 9', 'at the primary');
$primary->stop('immediate');
$standby->append_conf('postgresql.conf', "primary_conninfo = ''");
$standby->start;
$standby->promote;
$standby->poll_query_until($db, 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
$standby->safe_psql($db, "INSERT INTO t VALUES ($_)") for 10 .. 14;
is(changes($standby, $shared), '8 10 11 12 13 14', 'a position from before the failover is good at the new primary');
my ($rc, $out, $err) = $standby->psql($db, "SELECT * FROM schemakit.audit_changes('$lost')");
like($err, qr/It includes what this database has lost/, 'one that includes what was lost is refused, although its numbers have been used again');
$position = position($standby);
$standby->safe_psql($db, 'INSERT INTO t VALUES (15)');
$standby->restart;
is(changes($standby, $position), '15', 'positions of the new timeline are good');
is(changes($standby, $shared), '8 10 11 12 13 14 15', 'and the old ones stay so');

done_testing();
