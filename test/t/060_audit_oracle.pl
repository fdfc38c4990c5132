# The oracle of the audit log: random work of many sessions, and a server that is
# killed in the middle of it.  Afterwards replaying the log gives every table,
# value for value; audit_as_of() gives the copies that were taken on the way, some of
# them while others worked; a row's events are in the order of changed_at; and
# no event is there of a transaction that was not committed.
#
# SCHEMAKIT_ORACLE=long runs it for minutes; SCHEMAKIT_SEED repeats a run as far as
# the scheduling of sessions allows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $long = ($ENV{SCHEMAKIT_ORACLE} // '') eq 'long';
my $seed = $ENV{SCHEMAKIT_SEED} // int(rand(1_000_000_000));
my ($rounds, $seconds, $rate) = $long ? (12, 12, 1000) : (5, 2, 400);
my $kills = $rounds - 2;
note("SCHEMAKIT_SEED=$seed");
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'C');
max_prepared_transactions = 100
deadlock_timeout = '20ms'
lock_timeout = '200ms'
log_min_messages = log
log_min_error_statement = panic
checkpoint_timeout = '30s'
C
$node->start;
$node->safe_psql('postgres', slurp_file("$FindBin::RealBin/lib/audit_oracle.sql"));

# A transaction: one or more changes, perhaps a savepoint, and an end.
my $script = $node->basedir . '/work.sql';
append_to_file($script, <<'S');
\set how random(0, 99)
\set a random(0, 100000000)
\set b random(0, 100000000)
\set c random(0, 100000000)
\set name random(0, 1000000000)
BEGIN;
INSERT INTO done VALUES (pg_current_xact_id());
SELECT change(:a);
\if :how < 40
SAVEPOINT one;
SELECT change(:b);
\if :how < 20
ROLLBACK TO one;
\endif
SELECT change(:c);
\endif
\if :how < 80
COMMIT;
\elif :how < 90
ROLLBACK;
\else
PREPARE TRANSACTION ':name';
\if :how < 95
COMMIT PREPARED ':name';
\elif :how < 98
ROLLBACK PREPARED ':name';
\endif
\endif
S

my $snap = $node->basedir . '/snap.sql';
append_to_file($snap, "\\set r random(0, 1000000)\nSELECT snap(rel) FROM (SELECT rel FROM watched OFFSET :r % (SELECT count(*) FROM watched) LIMIT 1) AS w;\n");

# The server and all its processes at once: nobody has time to clean up.
sub kill_server
{
    my $pid = $node->{_pid};
    my @pids = ($pid, children_of($pid));
    kill 'KILL', @pids;
    wait_for_end(@pids);
    $node->{_pid} = undef;
    return;
}

# Prepared transactions that nobody ended are ended now, one way or the other.
sub end_prepared
{
    my $other = 0;
    for my $gid (split "\n", $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts ORDER BY gid'))
    {
        my $end = $other++ % 2 ? 'ROLLBACK' : 'COMMIT';
        $node->safe_psql('postgres', "$end PREPARED '$gid'");
    }
    return;
}

for my $round (1 .. $rounds)
{
    my ($out, $err) = ('', '');
    my $work = IPC::Run::start(
        [
            'pgbench', '-n', '-c', 10, '-j', 2, '-T', int($seconds + 1), '-f', "$script\@40", '-f', "$snap\@1",
            '-R', $rate,
            "--random-seed=" . ($seed + $round), '-h', $node->host, '-p', $node->port, '-U', $node->safe_psql('postgres', 'SELECT current_user'), 'postgres'
        ],
        '>', \$out, '2>', \$err);
    sleep $seconds;
    kill_server() if $round <= $kills;
    $work->finish;
    $node->start if $round <= $kills;
    unlike($err, qr/ERROR/, "round $round: no statement failed") if $round > $kills;
    end_prepared();
    $node->safe_psql('postgres', "SELECT remember($round); SELECT snap(rel) FROM watched");
}

# A log of nothing suits tables in which nothing succeeds: changes fail for reasons
# that have to do with other rows and sessions, MERGE if its two rows are the same one,
# and only with DDL for others.
note($node->safe_psql('postgres', q{SELECT sqlstate, count(*), min(message) FROM failed GROUP BY 1 ORDER BY 1}));
is( $node->safe_psql('postgres', q{SELECT what, sqlstate, message, count(*) FROM failed
        WHERE sqlstate NOT IN ('23503', '23505', '40001', '40P01', '55P03') AND message <> 'undone' AND (what, sqlstate) NOT IN ((29, '21000'), (30, '42701'), (30, '42703'))
        GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 5}),
    '', 'changes fail for reasons of their own only');
is( $node->safe_psql('postgres', q{SELECT rel, k.op FROM watched, unnest('{I,U,D}'::text[]) AS k(op)
        WHERE (rel::text, k.op) NOT IN (('friends', 'U'), ('friends', 'D'), ('chained', 'D'))
        AND NOT EXISTS (SELECT FROM schemakit.audit_log l WHERE l.table_name = 'public.' || rel::text AND l.op = k.op)}),
    '', 'each table has events of each kind');

my $events = $node->safe_psql('postgres', 'SELECT replay()');
cmp_ok($events, '>', 1000, "replayed $events events");
my @tables = split "\n", $node->safe_psql('postgres', 'SELECT rel FROM audited');
for my $table (@tables)
{
    is($node->safe_psql('postgres', "SELECT * FROM differences('$table')"), '', "the log gives $table");
}
for my $round (1 .. $rounds)
{
    is( $node->safe_psql('postgres', "SELECT rel, d FROM audited, as_of_differences($round, rel) AS d"),
        '', "audit_as_of() gives all tables as they were after round $round");
}

is($node->safe_psql('postgres', q{SELECT rel, v FROM audited, schemakit.audit_verify(rel) AS v WHERE problem <> 'gap' LIMIT 10}), '', 'audit_verify() finds no difference');

my ($snaps, $of) = split /\|/, $node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT rel) FROM snaps');
cmp_ok($snaps, '>', 10, "$snaps copies of $of tables while others worked");
is($node->safe_psql('postgres', 'SELECT n, rel, at, d FROM snaps, snap_differences(n) AS d ORDER BY n LIMIT 10'), '', 'audit_as_of() gives them, too');
is( $node->safe_psql('postgres', q{SELECT n, rel, at, d FROM snaps, snap_differences_by_key(n) AS d WHERE rel IN ('by_citext'::regclass, 'by_caseless'::regclass) ORDER BY n LIMIT 10}),
    '', 'and their rows, by keys that are equal');
is( $node->safe_psql('postgres', q{SELECT * FROM (
        SELECT table_name, e.key, op, lag(op) OVER (PARTITION BY rel_id, key_hash ORDER BY changed_at) AS before, txn_id, command, n
        FROM schemakit.audit_event e JOIN schemakit.audit_shape USING (shape_id) WHERE e.key IS NOT NULL) AS e
        WHERE before IS NOT NULL AND (op IN ('I', 'N', 'B')) <> (before IN ('D', 'O')) LIMIT 10}),
    '', "a row's events are in the order of changed_at");

is( $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_log l WHERE op <> 'S' AND NOT EXISTS (SELECT FROM done d WHERE d.xid = l.xid)
        AND txn_id > (SELECT max(txn_id) FROM schemakit.audit_event WHERE op = 'B')}),
    '0', 'no transaction is there that was not committed');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_event e
        WHERE CASE WHEN e.carrier IS NULL THEN e.role IS NULL
            ELSE NOT EXISTS (SELECT FROM schemakit.audit_event c WHERE c.txn_id = e.txn_id AND c.at = e.at AND c.n = e.carrier AND c.role IS NOT NULL AND c.carrier IS NOT NULL) END}),
    '0', 'every event says who acts');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT FROM schemakit.audit_event GROUP BY txn_id, n HAVING count(*) > 1) AS twice}),
    '0', 'no number is given twice');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_event e LEFT JOIN schemakit.audit_shape s USING (shape_id) WHERE s IS NULL AND op <> 'C'}),
    '0', 'every event has its shape');

# the indexes have what the heap has
$node->safe_psql('postgres', 'CREATE EXTENSION amcheck');
is( $node->safe_psql('postgres', q{SELECT count(bt_index_check(c.oid, true)) > 4 FROM pg_class c JOIN pg_am a ON a.oid = relam
        WHERE amname = 'btree' AND relnamespace = 'schemakit'::regnamespace AND relkind = 'i'}), 't', 'the indexes of the log are sound');

# the oracle itself: an event less is noticed
$node->safe_psql('postgres', q{SET schemakit.audit_writable = on;
    DELETE FROM schemakit.audit_event WHERE (txn_id, n) = (SELECT txn_id, n FROM schemakit.audit_event e JOIN schemakit.audit_shape USING (shape_id)
        WHERE op = 'I' AND table_name = 'typed' AND EXISTS (SELECT FROM typed t WHERE t.id::text = e.key ->> 'id') ORDER BY txn_id DESC LIMIT 1)});
my ($rc, $out, $err) = $node->psql('postgres', q{SELECT replay(); SELECT * FROM differences('typed')});
ok($rc != 0 || $out =~ /only in/, 'an event that is missing is noticed');

$node->stop;
done_testing();
