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
# the standby starts when others are done, however long they take, and wants all from the backup on
$primary->append_conf('postgresql.conf', "max_connections = 40\nmax_wal_senders = 10\nwal_keep_size = 4GB");
$primary->start;
new_database($primary, 'works');
my $load = script($primary, 'load');

# What pgbench has complained of at a server.
sub complaints { return slurp_file($_[0]->basedir . '/bench.err') }

# What is advised for a statement that has no index, on a server that may be read only.
sub advice
{
	return $_[0]->safe_psql('works', q{SELECT ddl FROM schemakit.advise_indexes(ARRAY['SELECT * FROM looked_up WHERE owner = $1'], actions => '{create}')});
}

# Load while the copies are made, however long that takes; not more than can be replayed.
my $before = $primary->safe_psql('works', 'SELECT count(*) FROM done');
my $bench = pgbench($primary, 'works', '-c', 4, '-R', 25, '-T', 600, '-f', $load);
$primary->poll_query_until('works', "SELECT count(*) > $before + 50 FROM done") or die 'no load';
remember($primary, 'works', 1);
$primary->backup('copy');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
my $dump = $primary->basedir . '/schema.sql';
$primary->command_ok([ 'pg_dump', '-s', '-T', 'audited', '-f', $dump, '-d', $primary->connstr('works') ], 'the schema is dumped');
$subscriber->safe_psql('postgres', 'CREATE DATABASE works TEMPLATE template0');
$subscriber->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $subscriber->connstr('works') ], 'and restored');
$primary->safe_psql('works', 'CREATE PUBLICATION p FOR TABLE parents, children, plain, done');
$subscriber->safe_psql('works', q{SELECT schemakit.auto_enable('audit', 'public', 'own%')});
$subscriber->safe_psql('works', "CREATE SUBSCRIPTION s CONNECTION '" . $primary->connstr . " dbname=works' PUBLICATION p");
my $rows = $primary->safe_psql('works', 'SELECT count(*) FROM done');
$primary->poll_query_until('works', "SELECT count(*) > $rows + 50 FROM done") or die 'no load';
remember($primary, 'works', 2);
my $hash = follows_rules($primary, 'works', 'later_first', 'under load');
$rows = $primary->safe_psql('works', 'SELECT count(*) FROM done');
$primary->poll_query_until('works', "SELECT count(*) > $rows + 20 FROM done") or die 'no load';
my $sure = $primary->safe_psql('works', 'SELECT array_agg(xid) FROM done');
$primary->safe_psql('postgres', q{SELECT pg_create_restore_point('here')});
$rows = $primary->safe_psql('works', 'SELECT count(*) FROM done');
$primary->poll_query_until('works', "SELECT count(*) > $rows + 20 FROM done") or die 'no load';
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$bench->signal('TERM');    # one that is not ignored in the background
$bench->finish;
$primary->poll_query_until('works', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'works' AND backend_type = 'client backend' AND pid <> pg_backend_pid()}) or die 'the load does not end';
is(complaints($primary), '', 'pgbench has nothing to complain of');
remember($primary, 'works', 3);
holds($primary, 'works', 'on the primary');
my $last = $primary->safe_psql('works', 'SELECT count(*) FROM done');
my $all = $primary->safe_psql('works', 'SELECT array_agg(xid) FROM done');

# The standby reads, and nothing else.
$primary->wait_for_catchup($standby);
is(contents($standby, 'works'), contents($primary, 'works'), 'the standby has the rows');
is($standby->safe_psql('works', q{SELECT count(*) FROM schemakit.status() WHERE state <> 'ok'}), '0', 'status() there');
my $row = q{(SELECT key FROM schemakit.audit_log WHERE table_name = 'public.plain' ORDER BY changed_at DESC, txn_id, n LIMIT 1)};
is($standby->safe_psql('works', "SELECT * FROM schemakit.audit_history('plain', $row)"), $primary->safe_psql('works', "SELECT * FROM schemakit.audit_history('plain', $row)"),
	'the story of a row there');
is($standby->safe_psql('works', 'SELECT count(*), sum(n) FROM schemakit.audit_as_of(NULL::plain, now())'), $primary->safe_psql('works', 'SELECT count(*), sum(n) FROM plain'),
	'a table as it was there');
# after a vacuum it may include the other column
my $index = qr/^CREATE INDEX CONCURRENTLY \S+ ON public\.looked_up USING btree \(owner\)[^\n]*$/;
like(advice($primary), $index, 'an index is advised');
like(advice($standby), $index, 'on the standby as well');
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
is($subscriber->safe_psql('works', 'SELECT feature, schemas, tables FROM schemakit.auto_rule ORDER BY id'), "timestamps|%|%\naudit|public|own%", 'it has its own rules');
my $table = '(id int PRIMARY KEY, at timestamptz, updated_at timestamptz, deleted_at timestamptz)';
$subscriber->safe_psql('works', "CREATE TABLE own_1 $table; CREATE TABLE later_1 $table");
is( $subscriber->safe_psql('works', q{SELECT relid, feature, state FROM schemakit.status() WHERE relid IN ('own_1'::regclass, 'later_1'::regclass) ORDER BY 1, 2}),
	"own_1|audit|ok\nown_1|timestamps|ok\nlater_1|timestamps|ok", 'and goes by them');
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
is($past->safe_psql('works', "SELECT unnest('$sure'::xid8[]) EXCEPT SELECT xid FROM done"), '', 'a copy of the past has all that was before');
is($past->safe_psql('works', "SELECT xid FROM done EXCEPT SELECT unnest('$all'::xid8[])"), '', 'and nothing that was not');
cmp_ok($past->safe_psql('works', 'SELECT count(*) FROM done'), '<', $last - 20, 'nor what came later');
is($past->safe_psql('works', 'SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM moments'), '1 2', 'it remembers what was before');
holds($past, 'works', 'in the past');
is(follows_rules($past, 'works', 'later_past', 'in the past'), $hash, 'with the same key');
$past->stop;

# The primary is lost, and work goes on at the standby.
$primary->stop('immediate');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
is($standby->safe_psql('works', 'SELECT count(*) FROM done'), $last, 'the standby has all that the primary had');
ok(pgbench($standby, 'works', '-c', 4, '-t', 50, '-f', $load)->finish && committed($standby, 1) == 200, 'clients find it');
is(complaints($standby), '', 'and have nothing to complain of');
is($standby->safe_psql('works', 'SELECT count(*) FROM done'), $last + 200, 'the standby goes on where the primary ended');
remember($standby, 'works', 4);
holds($standby, 'works', 'after the change');
is(follows_rules($standby, 'works', 'later_second', 'after the change'), $hash, 'with the same key as well');
is($standby->safe_psql('works', q{DROP INDEX twice; SET client_min_messages = warning; SELECT schemakit.index_advice_record();
	SELECT status FROM schemakit.index_advice WHERE table_name = 'looked_up'}), "0\nfollowed", 'and advice is followed where it is found');
$standby->stop;

done_testing();
