# Logical replication keeps the publisher's times, and is audited if asked for;
# on a standby status() works, and the audit log can be read.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;

my $table = 'CREATE EXTENSION schemakit; CREATE TABLE t (id int PRIMARY KEY, n int, updated_at timestamptz)';
$_->safe_psql('postgres', $table) for $publisher, $subscriber;
$subscriber->safe_psql('postgres', q{SELECT schemakit.audit_enable('t', replica => true)});
$publisher->safe_psql('postgres', q{SELECT schemakit.audit_enable('t')});
$publisher->safe_psql('postgres', q{INSERT INTO t VALUES (1, 0, '2020-01-01'), (2, 0, '2020-01-01');
    CREATE PUBLICATION p FOR TABLE t});
$subscriber->safe_psql('postgres',
    "CREATE SUBSCRIPTION s CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION p");
$subscriber->poll_query_until('postgres', 'SELECT count(*) = 2 FROM t') or die 'no initial copy';

$publisher->safe_psql('postgres', 'UPDATE t SET n = 1 WHERE id = 1');
$publisher->safe_psql('postgres', q{UPDATE t SET n = 1, updated_at = '2001-01-01' WHERE id = 2});
$publisher->wait_for_catchup('s');
is( $subscriber->safe_psql('postgres', 'SELECT * FROM t ORDER BY id'),
    $publisher->safe_psql('postgres', 'SELECT * FROM t ORDER BY id'),
    'the subscriber has the times of the publisher');
is( $publisher->safe_psql('postgres', q{SELECT updated_at > '2020-01-02' FROM t WHERE id = 1}),
    't', 'which were advanced there');
my $updates = q{SELECT key, old ->> 'n', new ->> 'n' FROM schemakit.audit_log WHERE op = 'U' ORDER BY changed_at};
is( $subscriber->safe_psql('postgres', $updates), $publisher->safe_psql('postgres', $updates),
    'the subscriber has recorded what it applied');
is( $subscriber->safe_psql('postgres', q{SELECT count(*), count(DISTINCT session_role) FROM schemakit.audit_log WHERE op = 'I'}),
    '2|1', 'also of the initial copy');
my $batches = $subscriber->safe_psql('postgres', 'SELECT count(DISTINCT txn_id) FROM schemakit.audit_log');
$publisher->safe_psql('postgres', 'TRUNCATE t; INSERT INTO t VALUES (1, 0), (2, 0)');
$publisher->wait_for_catchup('s');
is( $subscriber->safe_psql('postgres', q{SELECT string_agg(op, '' ORDER BY txn_id, command, n) FROM schemakit.audit_log}),
    'IIUUDDTII', 'TRUNCATE with the rows that it removed');
is( $subscriber->safe_psql('postgres', 'UPDATE t SET n = 2 WHERE id = 2 RETURNING updated_at = now()'),
    't', 'an update on the subscriber advances');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

# a physical standby
$publisher->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($publisher, 'backup', has_streaming => 1);
$standby->start;
is( $standby->safe_psql('postgres', 'SELECT relid, state FROM schemakit.status()'),
    "t|ok\nt|ok", 'status() on a standby');
is( $standby->safe_psql('postgres', q{SELECT string_agg(op, '') FROM schemakit.audit_history('t', '{"id": 1}')}),
    'IUDI', 'the story of a row on a standby');
is( $standby->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_as_of(NULL::t, (SELECT min(changed_at) FROM schemakit.audit_log))}),
    '0', 'the table as it was on a standby');

# what the past is there depends on what has been replayed, but for a second
sleep 2;
$publisher->safe_psql('postgres', 'CREATE TABLE a_later_one ()');
$publisher->wait_for_catchup($standby);
my ($rc, $out, $err);
my $now = $publisher->safe_psql('postgres', 'SELECT clock_timestamp()');
my $as_of = "SELECT n FROM schemakit.audit_as_of(NULL::t, '$now') WHERE id = 1";
$standby->psql('postgres', $as_of, stderr => \$err);
like($err, qr/NOTICE:  what table "t" was at that time is not final yet\nDETAIL:  The last transaction that this standby/,
    'a time that the standby has not reached');
$standby->psql('postgres', q{SELECT * FROM schemakit.audit_as_of(NULL::t, (SELECT min(changed_at) FROM schemakit.audit_log))}, stderr => \$err);
unlike($err, qr/not final/, 'and one that it has');
sleep 2;
$publisher->safe_psql('postgres', 'CREATE TABLE later ()');
$publisher->wait_for_catchup($standby);
$standby->psql('postgres', $as_of, stderr => \$err);
unlike($err, qr/not final/, 'once a later transaction is there');
$publisher->psql('postgres', q{SELECT * FROM schemakit.audit_as_of(NULL::t, now() + interval '1 hour')}, stderr => \$err);
like($err, qr/NOTICE:  what table "t" was at that time is not final yet\nDETAIL:  It is in the future/, 'a time to come');

($rc, $out, $err) = $standby->psql('postgres', 'SELECT count(*) FROM schemakit.audit_changes()');
like($err, qr/cannot be used during recovery/, 'a cursor would miss changes there');
($rc, $out, $err) = $standby->psql('postgres', q{SELECT schemakit.timestamps_disable('t')});
like($err, qr/cannot .*(recovery|read-only)/, 'a change is refused there');
$standby->promote;
is( $standby->safe_psql('postgres', 'UPDATE t SET n = 3 WHERE id = 2 RETURNING updated_at = now()'),
    't', 'once promoted, an update advances');
is( $standby->safe_psql('postgres', q{CREATE TABLE new (id int, updated_at date); SELECT state FROM schemakit.status() WHERE relid = 'new'::regclass}),
    'ok', 'and new tables are covered');

$_->stop for $standby, $subscriber, $publisher;
done_testing();
