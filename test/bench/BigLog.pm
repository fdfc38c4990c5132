# A large audit log over 24 months: what benchmarks of reading it share.
#
#     use Bench;
#     use BigLog;
#     my $session = Bench->connect('bench');
#     my $log = BigLog::fill($session, rows => 100_000);
#
# makes a schema "big", by writing events into the log as they would be if they had
# been recorded.  It needs a superuser; a million rows take some minutes and 5 GB.
#
#     orders     "rows" rows (id, order_id, customer, status, v, amount, note,
#                created).  Each was inserted in the first of ten rounds and updated
#                in each of the nine others: v is the number of the last round, 9, and
#                status and, in some, amount and order_id change, too.  Rounds take
#                2.4 months each, and each has another order of the rows.
#     customers  1,000 keys (id, v), inserted, updated and deleted in turn: the table
#                of one event in 101
#     moments    (round, at): the time just before a round began.  As of the moment of
#                round 5 all of orders was five updates ago, with v = 4.
#
# Of 20 transactions, nine have ten events and a commit event, eleven one.  Actors
# are user0 to user96; "auditor" is one in some thousand transactions, 50 in all.  The
# last events are some seconds old.  Numbers of transactions are those of another
# database, so that new ones do not have the same.
#
# Returns a reference to a hash: rows, events (of both tables, without commit events),
# transactions.
package BigLog;
use strict;
use warnings;

my $rounds = 10;
my $months = 24;
my $per_block = 100;    # events of orders in 20 transactions

# What the row i of round r looks like, as SQL.  Rounds have other orders of the rows.
my %column = (
	status => sub { "'s' || (id + $_[0]) % 5" },
	v => sub { $_[0] },
	order_id => sub { 'id / 10' . ($_[0] >= 6 ? ' + CASE WHEN id % 10 = 0 THEN 1 ELSE 0 END' : '') },
	amount => sub { sprintf('id + %d.%02d', 0, int($_[0] / 2)) });

sub changed
{
	my ($r) = @_;
	return ('status', 'v', $r % 2 ? () : 'amount');
}

sub object
{
	my ($r, @columns) = @_;
	return 'jsonb_build_object(' . join(', ', map { "'$_', " . $column{$_}->($r) } @columns) . ')';
}

# The documents of an event of orders
sub documents
{
	my ($r) = @_;
	my $all = object($r, 'order_id', 'status', 'v', 'amount');
	return ('NULL', "jsonb_build_object('id', id, 'customer', id % 1000, 'note', 'note of row ' || id, 'created', '2024-01-01T00:00:00+00:00') || $all") if $r == 0;
	my ($old, $new) = map { object($_, changed($r)) } $r - 1, $r;
	return ($old, $new) if $r != 6;
	return map { "CASE WHEN id % 10 = 0 THEN $_->[0] || " . object($_->[1], 'order_id') . " ELSE $_->[0] END" } [ $old, 5 ], [ $new, 6 ];
}

# Events of one round.  A block is of 20 transactions: nine of ten events and a commit,
# ten of one event, and one of an event of customers.
sub fill_round
{
	my ($session, $log, $r) = @_;
	my ($old, $new) = documents($r);
	my $blocks = $log->{rows} / $per_block;
	my $op = $r == 0 ? 'I' : 'U';
	$session->sql(qq{
INSERT INTO schemakit.audit_event (txn_id, at, changed_at, key_hash, n, command, shape_id, carrier, op, key, old, new,
    role, actor, application, pid, events)
SELECT o.txn_id + txn, at, at + n * interval '1 millisecond',
    CASE WHEN q = 109 THEN customers.hash + cid WHEN n < 11 THEN orders.hash + id END,
    n, n - 1, CASE WHEN q = 109 THEN customers.shape_id WHEN n < 11 THEN orders.shape_id ELSE 0 END, CASE WHEN q < 99 THEN 1 END,
    CASE WHEN q = 109 THEN (ARRAY['I','U','D'])[1 + ck % 3] WHEN n < 11 THEN '$op' ELSE 'C' END::"char",
    CASE WHEN q = 109 THEN jsonb_build_object('id', cid) WHEN n < 11 THEN jsonb_build_object('id', id) END,
    CASE WHEN q < 109 AND n < 11 THEN $old WHEN q = 109 AND ck % 3 = 1 THEN jsonb_build_object('v', ck - 1)
        WHEN q = 109 AND ck % 3 = 2 THEN jsonb_build_object('id', cid, 'v', ck - 1) END,
    CASE WHEN q < 109 AND n < 11 THEN $new WHEN q = 109 AND ck % 3 = 1 THEN jsonb_build_object('v', ck)
        WHEN q = 109 AND ck % 3 = 0 THEN jsonb_build_object('id', cid, 'v', ck) END,
    CASE WHEN n IN (1, 11) THEN 'app' END,
    CASE WHEN n = 1 THEN CASE WHEN txn % (p.transactions / 50) = 0 THEN 'auditor' ELSE 'user' || txn % 97 END END,
    CASE WHEN n = 1 THEN 'bench' END, CASE WHEN n = 1 THEN 4000 + txn % 50 END, CASE WHEN n = 11 THEN 10 END
FROM (SELECT $log->{transactions} AS transactions) AS p,
    (SELECT started_at, seconds FROM big.log WHERE rel = 'orders') AS s,
    (SELECT ((min(txn_id) >> 48) # 1) << 48 AS txn_id FROM big.log) AS o,
    (SELECT shape_id, rel_id << 48 AS hash FROM big.log WHERE rel = 'orders') AS orders,
    (SELECT shape_id, rel_id << 48 AS hash FROM big.log WHERE rel = 'customers') AS customers,
    generate_series(${\($r * $blocks)}, ${\(($r + 1) * $blocks - 1)}) AS b, generate_series(0, 109) AS q,
    LATERAL (SELECT b * 20::bigint + CASE WHEN q < 99 THEN q / 11 ELSE q - 90 END AS txn, CASE WHEN q < 99 THEN 1 + q % 11 ELSE 1 END AS n,
        b % 1000 AS cid, b / 1000 AS ck) AS t,
    LATERAL (SELECT started_at + make_interval(secs => seconds * txn / transactions) AS at,
        1 + ((b - ${\($r * $blocks)}) * CAST($per_block AS bigint) + CASE WHEN q < 99 THEN q / 11 * 10 + q % 11 ELSE q - 9 END) * (7919 + 10 * $r) % $log->{rows} AS id) AS e
ORDER BY b, q});
}

# Where a month has an event, it gets a partition.
sub make_partitions
{
	my ($session) = @_;
	$session->sql(qq{
INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id, carrier, op)
SELECT 0, at, at, 1, 0, 0, 1, 'C' FROM big.log, generate_series(started_at, clock_timestamp(), interval '1 week') AS at WHERE rel = 'orders';
SELECT schemakit.audit_maintain();
DELETE FROM schemakit.audit_event WHERE txn_id = 0});
}

sub fill
{
	my ($session, %option) = @_;
	my $rows = $option{rows} // $ENV{LOG_ROWS} // 100_000;
	die "rows must be a power of ten, and 10,000 at least\n" if $rows !~ /^10{4,}$/;
	my $log = { rows => $rows, events => $rounds * $rows / $per_block * ($per_block + 1), transactions => $rounds * $rows / $per_block * 20 };
	my $last = $rounds * $rows / $per_block;
	$session->sql(qq{
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS schemakit;
SET schemakit.audit_writable = on;
SET schemakit.timestamps_auto = off;
DROP SCHEMA IF EXISTS big CASCADE;
TRUNCATE schemakit.audit_event;
CREATE SCHEMA big;
CREATE TABLE big.orders (id int PRIMARY KEY, order_id int, customer int, status text, v int, amount numeric, note text, created timestamptz);
CREATE TABLE big.customers (id int PRIMARY KEY, v int);
SELECT schemakit.audit_enable('big.orders'), schemakit.audit_enable('big.customers');
INSERT INTO big.orders VALUES (0);
CREATE TABLE big.log AS SELECT table_name AS rel, shape_id, rel_id, (SELECT min(txn_id) FROM schemakit.audit_event) AS txn_id,
    at - interval '$months months' AS started_at, extract(epoch FROM at - (at - interval '$months months'))::float8 AS seconds
FROM date_trunc('second', clock_timestamp()) AS at, schemakit.audit_shape
WHERE schema_name = 'big' AND shape_id = (SELECT max(shape_id) FROM schemakit.audit_shape AS s WHERE s.rel_id = audit_shape.rel_id);
ALTER TABLE big.orders DISABLE TRIGGER USER; ALTER TABLE big.customers DISABLE TRIGGER USER;
DELETE FROM big.orders;
INSERT INTO big.orders SELECT id, @{[ $column{order_id}->(9) ]}, id % 1000, @{[ $column{status}->(9) ]}, 9, @{[ $column{amount}->(9) ]},
    'note of row ' || id, '2024-01-01T00:00:00+00:00' FROM generate_series(1, $rows) AS id;
INSERT INTO big.customers SELECT id, k FROM generate_series(0, 999) AS id, LATERAL (SELECT ($last - 1 - id) / 1000 AS k) AS l WHERE k % 3 <> 2 AND id < $last;
ALTER TABLE big.orders ENABLE TRIGGER USER; ALTER TABLE big.customers ENABLE TRIGGER USER;
TRUNCATE schemakit.audit_event;
DELETE FROM schemakit.audit_shape WHERE schema_name = 'big' AND shape_id NOT IN (SELECT shape_id FROM big.log);
UPDATE schemakit.audit_shape SET recorded_at = recorded_at - interval '$months months 1 day' WHERE schema_name = 'big';
CREATE TABLE big.moments AS SELECT r AS round, started_at + make_interval(secs => seconds * r / $rounds) - interval '1 microsecond' AS at
FROM big.log, generate_series(0, $rounds - 1) AS r WHERE rel = 'orders'});
	make_partitions($session);
	$session->sql('INSERT INTO schemakit.audit_origin SELECT ((min(txn_id) >> 48) # 1), now() FROM big.log');
	fill_round($session, $log, $_) for 0 .. $rounds - 1;
	$session->sql('VACUUM ANALYZE schemakit.audit_event; VACUUM ANALYZE schemakit.audit_shape; VACUUM ANALYZE big.orders; VACUUM ANALYZE big.customers');
	return $log;
}

1;
