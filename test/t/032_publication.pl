# A publication of all tables, as tools for change data capture make it, keeps neither
# side from working, when schemakit is on both.
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

my $tables = q{CREATE EXTENSION schemakit;
    CREATE TABLE users (id int PRIMARY KEY, name text, email text, updated_at timestamptz, deleted_at timestamptz);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, deleted_at timestamptz)};
$_->safe_psql('postgres', $tables) for $publisher, $subscriber;
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
$publisher->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('watch', 'pgoutput')});

# 1. On the publisher everything works
$publisher->safe_psql('postgres', q{
    SELECT schemakit.auto_enable('audit', 'app'), schemakit.auto_disable(1);
    SELECT schemakit.soft_delete_enable('users'), schemakit.soft_delete_enable('orders');
    INSERT INTO users VALUES (1, 'ann', 'a@x'), (2, 'bob', 'b@x'); INSERT INTO orders VALUES (1, 1), (2, 2);
    SELECT schemakit.audit_enable('users', mask => '{"email": "hash"}');
    UPDATE users SET name = 'anna' WHERE id = 1;
    DELETE FROM users_live WHERE id = 1});
$publisher->safe_psql('postgres', q{SET schemakit.audit_writable = on;
    INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id, carrier, op)
    VALUES (0, '2001-01-15', '2001-01-15', 1, 0, 1, 1, 'T'), (0, '2002-01-15', '2002-01-15', 1, 0, 1, 1, 'T')});
is( $publisher->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_maintain() WHERE action ~ 'moved' AND partition ~ '_p200'}),
    '2', 'rows are moved out of the default partition');
is( $publisher->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_maintain(retain => '10 years') WHERE action = 'dropped'}),
    '2', 'partitions are dropped');
$publisher->safe_psql('postgres', q{SELECT schemakit.soft_delete_purge('users', '0 days', force => true)});
is( $publisher->safe_psql('postgres', q{SET schemakit.audit_writable = on; UPDATE schemakit.audit_event SET context = context; DELETE FROM schemakit.audit_event WHERE false; SELECT 1}),
    '1', 'events can be changed by who may');
$publisher->safe_psql('postgres', 'DELETE FROM schemakit.auto_rule WHERE id > 1');
is( $publisher->safe_psql('postgres', q{SELECT count(*) FROM pg_class c WHERE relnamespace = 'schemakit'::regnamespace AND relkind = 'r' AND relreplident <> 'f'
        AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)}), '0', 'each table has a replica identity');
is( $publisher->safe_psql('postgres', q{
        SELECT count(*) FROM pg_logical_slot_peek_binary_changes('watch', NULL, NULL, 'proto_version', '1', 'publication_names', 'everything'), schemakit.audit_secret
        WHERE position(key IN data) > 0 OR position(convert_to(encode(key, 'hex'), 'UTF8') IN data) > 0}),
    '0', 'the key of the hashes is in no stream');
is( $publisher->safe_psql('postgres', q{SELECT count(*) > 10 FROM pg_logical_slot_peek_binary_changes('watch', NULL, NULL, 'proto_version', '1', 'publication_names', 'everything')}),
    't', 'in which other changes are');
$publisher->safe_psql('postgres', q{SELECT pg_drop_replication_slot('watch')});

# 2. A subscriber that has a log, a key and rules of its own keeps them, and goes on
$subscriber->safe_psql('postgres', q{
    SELECT schemakit.auto_enable('audit', 'other'), schemakit.auto_enable('soft_delete', 'other');
    CREATE TABLE own (id int PRIMARY KEY, email text); SELECT schemakit.audit_enable('own', mask => '{"email": "hash"}');
    INSERT INTO own VALUES (1, 'x')});
my $ours = q{SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM (
    SELECT 'r' || r::text FROM schemakit.auto_rule r UNION ALL SELECT 's' || s::text FROM schemakit.audit_shape s UNION ALL SELECT 'k' || k::text FROM schemakit.audit_secret k
    UNION ALL SELECT 'o' || o::text FROM schemakit.audit_origin o UNION ALL SELECT 'e' || e::text FROM schemakit.audit_event e
    UNION ALL SELECT 'a' || a::text FROM schemakit.table_addition a) AS x};
my $before = $subscriber->safe_psql('postgres', $ours);
# months that the subscriber does not have are the DBA's to make, as for any table
$subscriber->safe_psql('postgres', 'SELECT schemakit.audit_maintain()');
$subscriber->safe_psql('postgres',
    "CREATE SUBSCRIPTION s CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION everything");
$subscriber->wait_for_subscription_sync($publisher, 's') if $subscriber->can('wait_for_subscription_sync');
$subscriber->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')})
  or die 'the initial copy does not end';
$publisher->safe_psql('postgres', q{
    INSERT INTO users VALUES (3, 'cyd', 'c@x'); UPDATE users SET name = 'bobby' WHERE id = 2; DELETE FROM users_live WHERE id = 3;
    SELECT schemakit.auto_enable('timestamps', 'more'); UPDATE schemakit.auto_rule SET enabled = false});
$publisher->wait_for_catchup('s');
is( $subscriber->safe_psql('postgres', 'SELECT id, name, deleted_at IS NOT NULL FROM users ORDER BY id'),
    "2|bobby|f\n3|cyd|t", 'the tables are replicated');
is($subscriber->safe_psql('postgres', $ours), $before, 'what the subscriber has recorded, and its rules, are as they were');
is( $subscriber->safe_psql('postgres', q{UPDATE own SET email = 'y'; SELECT count(*) FROM schemakit.audit_history('own', '{"id": 1}')}),
    '2', 'it goes on recording');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

# 3. One that audits nothing may have a copy of the log
$subscriber->safe_psql('postgres', 'CREATE DATABASE copy');
$subscriber->safe_psql('copy', 'CREATE EXTENSION schemakit');
$publisher->safe_psql('postgres', q{CREATE PUBLICATION audit_log FOR TABLE schemakit.audit_event, schemakit.audit_shape
    WITH (publish = 'insert', publish_via_partition_root = true)});
$subscriber->safe_psql('copy', "CREATE SUBSCRIPTION c CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION audit_log");
$subscriber->poll_query_until('copy', q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')})
  or die 'the copy of the log does not end';
$publisher->safe_psql('postgres', q{UPDATE users SET name = 'robert' WHERE id = 2});
$publisher->wait_for_catchup('c');
my $log = q{SELECT changed_at, actor, table_name, op, key, old, new FROM schemakit.audit_log ORDER BY changed_at, op};
is($subscriber->safe_psql('copy', $log), $publisher->safe_psql('postgres', $log), 'the copy of the log');
is($subscriber->safe_psql('copy', 'SELECT count(*) > 0 FROM schemakit.audit_maintain()'), 't', 'which is maintained there');
$publisher->safe_psql('postgres', q{UPDATE users SET name = 'rob' WHERE id = 2});
$publisher->wait_for_catchup('c');
is($subscriber->safe_psql('copy', $log), $publisher->safe_psql('postgres', $log), 'and goes on');
my ($rc, $out, $err) = $subscriber->psql('copy', 'DELETE FROM schemakit.audit_event');
like($err, qr/cannot change the audit log/, 'and is as append-only as the log');
$subscriber->safe_psql('copy', 'DROP SUBSCRIPTION c');

$_->stop for $subscriber, $publisher;
done_testing();
