# Logical replication keeps the publisher's times; on a standby status() works.
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
is( $subscriber->safe_psql('postgres', 'UPDATE t SET n = 2 WHERE id = 2 RETURNING updated_at = now()'),
    't', 'an update on the subscriber advances');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

# a physical standby
$publisher->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($publisher, 'backup', has_streaming => 1);
$standby->start;
is( $standby->safe_psql('postgres', 'SELECT relid, state FROM schemakit.status()'),
    't|ok', 'status() on a standby');
my ($rc, $out, $err) = $standby->psql('postgres', q{SELECT schemakit.timestamps_disable('t')});
like($err, qr/cannot .*(recovery|read-only)/, 'a change is refused there');
$standby->promote;
is( $standby->safe_psql('postgres', 'UPDATE t SET n = 3 WHERE id = 2 RETURNING updated_at = now()'),
    't', 'once promoted, an update advances');
is( $standby->safe_psql('postgres', q{CREATE TABLE new (id int, updated_at date); SELECT state FROM schemakit.status() WHERE relid = 'new'::regclass}),
    'ok', 'and new tables are covered');

$_->stop for $standby, $subscriber, $publisher;
done_testing();
