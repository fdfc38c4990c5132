# All features at once on a server that is copied while it works: to a standby that
# is promoted, to a point in time, to a subscriber.  Nothing is lost, nothing is
# there twice, and what reads works wherever one may read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Faults;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical', has_archiving => 1);
$primary->append_conf('postgresql.conf', "max_connections = 40\nmax_wal_senders = 10");
$primary->start;
new_database($primary, 'works');
my $load = script($primary, 'load');

# Load while the copies are made, however long that takes.
my $before = $primary->safe_psql('works', 'SELECT count(*) FROM done');
my $bench = pgbench($primary, 'works', '-c', 4, '-T', 600, '-f', $load);
$primary->poll_query_until('works', "SELECT count(*) > $before + 50 FROM done") or die 'no load';
$primary->backup('copy');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
my $dump = $primary->basedir . '/schema.sql';
$primary->command_ok([ 'pg_dump', '-s', '-T', 'audited', '-f', $dump, '-d', $primary->connstr('works') ], 'the schema is dumped');
$subscriber->safe_psql('postgres', 'CREATE DATABASE works TEMPLATE template0');
$subscriber->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $subscriber->connstr('works') ], 'and restored');
$primary->safe_psql('works', 'CREATE PUBLICATION p FOR TABLE parents, children, plain, done');
$subscriber->safe_psql('works', "CREATE SUBSCRIPTION s CONNECTION '" . $primary->connstr . " dbname=works' PUBLICATION p");
my $rows = $primary->safe_psql('works', 'SELECT count(*) FROM done');
$primary->poll_query_until('works', "SELECT count(*) > $rows + 50 FROM done") or die 'no load';
$primary->safe_psql('postgres', q{SELECT pg_create_restore_point('here')});
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$bench->signal('INT');
$bench->finish;
$primary->poll_query_until('works', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'}) or die 'the load does not end';
holds($primary, 'works', 'on the primary');
my $last = $primary->safe_psql('works', 'SELECT count(*) FROM done');

# The standby reads, and nothing else.
$primary->wait_for_catchup($standby);
is(contents($standby, 'works'), contents($primary, 'works'), 'the standby has the rows');
is($standby->safe_psql('works', q{SELECT count(*) FROM schemakit.status() WHERE state <> 'ok'}), '0', 'status() there');
my $row = q{(SELECT key FROM schemakit.audit_log WHERE table_name = 'public.plain' ORDER BY changed_at DESC, txn_id, n LIMIT 1)};
is($standby->safe_psql('works', "SELECT * FROM schemakit.audit_history('plain', $row)"), $primary->safe_psql('works', "SELECT * FROM schemakit.audit_history('plain', $row)"),
	'the story of a row there');
is($standby->safe_psql('works', 'SELECT count(*), sum(n) FROM schemakit.audit_as_of(NULL::plain, now())'), $primary->safe_psql('works', 'SELECT count(*), sum(n) FROM plain'),
	'a table as it was there');
like($standby->safe_psql('works', q{SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM plain WHERE name = $1'], min_table_size => 0, actions => '{create}')}),
	qr/^(CREATE INDEX.*)?$/, 'advice there');
for my $write ('UPDATE plain SET n = n', 'DELETE FROM parents_live', 'SELECT schemakit.audit_disable($$plain$$)', 'SELECT schemakit.index_advice_record()')
{
	my ($code, $out, $err) = $standby->psql('works', $write);
	like($err, qr/read-only transaction|in progress/, "but not: $write");
}

# The subscriber has the rows with their times, and has not done anything of its own.
$primary->wait_for_catchup('s');
is(contents($subscriber, 'works'), contents($primary, 'works'), 'the subscriber has the rows, times included');
is($subscriber->safe_psql('works', 'SELECT count(*) FROM done'), $last, 'each once');
is($subscriber->safe_psql('works', 'SELECT count(*) FROM schemakit.audit_event'), '0', 'and no events, which are the primary\'s');
is($subscriber->safe_psql('works', q{SELECT count(*) FROM schemakit.status() WHERE state <> 'ok'}), '0', 'status() finds no fault');
$subscriber->safe_psql('works', 'DROP SUBSCRIPTION s');
is($subscriber->safe_psql('works', q{UPDATE plain SET n = n + 1 WHERE id = (SELECT min(id) FROM plain) RETURNING updated_at = now()}), 't', 'left alone, it maintains its rows');
is($subscriber->safe_psql('works', 'SELECT count(*) FROM schemakit.audit_event'), '1', 'and records them');
$subscriber->stop;

# To a point in time, in the middle of the load.
my $past = PostgreSQL::Test::Cluster->new('past');
$past->init_from_backup($primary, 'copy', has_restoring => 1);
$past->append_conf('postgresql.conf', "recovery_target_name = 'here'\nrecovery_target_action = promote");
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');
$past->start;
$past->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
cmp_ok($past->safe_psql('works', 'SELECT count(*) FROM done'), '<', $last, 'a copy of the past');
holds($past, 'works', 'in the past');
$past->stop;

# The primary is lost, and work goes on at the standby.
$primary->stop('immediate');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
pgbench($standby, 'works', '-c', 4, '-t', 50, '-f', $load)->finish;
is($standby->safe_psql('works', 'SELECT count(*) FROM done'), $last + 200, 'the standby goes on where the primary ended');
holds($standby, 'works', 'after the change');
$standby->stop;

done_testing();
