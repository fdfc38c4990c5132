# audit_as_of() tells what somebody could have seen.  Sessions change accounts of
# several tables, in transactions that move an amount from one to another, with
# savepoints, PREPARE TRANSACTION and statements of their own, and are cancelled, ended
# and killed on the way, with and without track_commit_timestamp.  Another one takes
# copies of all tables in one snapshot, with the time, while no transaction is between
# its last event and its end.  Later, all tables as of that time, each of their rows, and
# the versions that are valid then, are the copy; and of any time whatever the amounts in
# all tables add up.
#
# SCHEMAKIT_ORACLE=long runs it for minutes.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $long = ($ENV{SCHEMAKIT_ORACLE} // '') eq 'long';
my ($rounds, $seconds, $clients) = $long ? (30, 3, 10) : (4, 2, 10);
my $node;

# at_moments(WHAT): what the log tells of the times of all copies, and of others, is true
sub at_moments
{
    my ($what) = @_;

    is($node->safe_psql('postgres', q{SELECT m.n, p.* FROM moments AS m, LATERAL past(m.taken_at) AS p EXCEPT SELECT n, rel, id, v FROM copies LIMIT 10}),
        '', "$what: every table as of the time of a copy has the rows of the copy");
    is($node->safe_psql('postgres', q{SELECT n, rel, id, v FROM copies EXCEPT SELECT m.n, p.* FROM moments AS m, LATERAL past(m.taken_at) AS p LIMIT 10}),
        '', "$what: and no others");
    is( $node->safe_psql('postgres', q{SELECT c.* FROM (SELECT * FROM copies WHERE rel = 'a' ORDER BY random() LIMIT 300) AS c
            WHERE v IS DISTINCT FROM (SELECT r.v FROM schemakit.audit_as_of(NULL::a, taken_at, jsonb_build_object('id', id)) AS r) LIMIT 10}),
        '', "$what: so has each row");

    # of times that nobody has chosen: just before and after events, and at any other
    $node->safe_psql('postgres', q{DROP TABLE IF EXISTS chosen; CREATE TABLE chosen AS SELECT at FROM (
            SELECT DISTINCT changed_at + d * interval '1 microsecond' AS at FROM schemakit.audit_event, unnest('{-1,0,1}'::int[]) AS d
            WHERE op IN ('U', 'C')) AS t ORDER BY random() LIMIT } . ($long ? 150 : 60));
    is($node->safe_psql('postgres', q{SELECT at, sum FROM chosen, LATERAL (SELECT sum(v) FROM past(at)) AS s WHERE sum <> 6000 LIMIT 10}),
        '', "$what: at any time the amounts in all tables add up");

    # versions that are valid at a time are the rows of then
    $node->safe_psql('postgres', q{DROP TABLE IF EXISTS v; CREATE TABLE v AS
        SELECT 'a' AS rel, valid_from, valid_to, (version).* FROM schemakit.audit_versions(NULL::a) UNION ALL
        SELECT 'b', valid_from, valid_to, (version).* FROM schemakit.audit_versions(NULL::b) UNION ALL
        SELECT 'c', valid_from, valid_to, (version).* FROM schemakit.audit_versions(NULL::c)});
    is( $node->safe_psql('postgres', q{WITH valid AS (SELECT n, rel, id, v FROM moments JOIN v ON valid_from <= taken_at AND (valid_to > taken_at OR valid_to IS NULL))
            (TABLE valid EXCEPT SELECT n, rel, id, v FROM copies) UNION ALL (SELECT n, rel, id, v FROM copies EXCEPT TABLE valid) LIMIT 10}),
        '', "$what: versions that are valid at the time of a copy are the rows of the copy");
    is( $node->safe_psql('postgres', q{WITH valid AS MATERIALIZED (SELECT at, rel, id, v FROM chosen JOIN v ON valid_from <= at AND (valid_to > at OR valid_to IS NULL)),
            was AS MATERIALIZED (SELECT at, p.* FROM chosen, LATERAL past(at) AS p)
            (TABLE valid EXCEPT TABLE was) UNION ALL (TABLE was EXCEPT TABLE valid) LIMIT 10}),
        '', "$what: at any other time they are what audit_as_of() returns");
    is($node->safe_psql('postgres', q{SELECT rel, id, v FROM v WHERE valid_to IS NULL EXCEPT TABLE present LIMIT 10}), '', "$what: those without end are the rows that are there");
    is( $node->safe_psql('postgres', q{SELECT rel, id, valid_to, next FROM (SELECT *, lead(valid_from) OVER (PARTITION BY rel, id ORDER BY valid_from) AS next FROM v) AS v
            WHERE valid_from >= valid_to OR valid_to IS DISTINCT FROM next LIMIT 10}), '', "$what: one ends when the next begins");
}

# A session that is killed takes all others along.
sub kill_one
{
    my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' ORDER BY state = 'idle', random() LIMIT 1});
    kill 'KILL', $pid if $pid;
}

for my $track ('off', 'on')
{
    $node = PostgreSQL::Test::Cluster->new("track_$track");
    $node->init;
    $node->append_conf('postgresql.conf', <<"C");
track_commit_timestamp = $track
max_prepared_transactions = 50
restart_after_crash = on
deadlock_timeout = '20ms'
log_min_messages = fatal
log_min_error_statement = panic
C
    $node->start;
    $node->safe_psql('postgres', <<'S');
CREATE EXTENSION schemakit;
CREATE TABLE a (id int PRIMARY KEY, v int NOT NULL);
CREATE TABLE b (LIKE a INCLUDING ALL);
CREATE TABLE c (LIKE a INCLUDING ALL);
SELECT schemakit.audit_enable(t) FROM unnest('{a,b,c}'::regclass[]) AS t;
BEGIN;
INSERT INTO a SELECT i, 100 FROM generate_series(1, 20) AS i;
INSERT INTO b TABLE a;
INSERT INTO c TABLE a;
COMMIT;
CREATE TABLE copies (n int, taken_at timestamptz, rel text, id int, v int);
CREATE SEQUENCE copy_n;
-- Whoever commits holds the lock shared, and whoever takes a copy holds it alone.
CREATE FUNCTION take() RETURNS void LANGUAGE plpgsql AS $$
DECLARE n int := nextval('copy_n'); t timestamptz := clock_timestamp();
BEGIN
    INSERT INTO copies SELECT n, t, 'a', * FROM a UNION ALL SELECT n, t, 'b', * FROM b UNION ALL SELECT n, t, 'c', * FROM c;
END$$;
-- An amount goes from one account to another; "work" goes on for a while after that.
CREATE FUNCTION move(from_rel regclass, from_id int, to_rel regclass, to_id int, work float8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %s SET v = v - 1 WHERE id = $1', from_rel) USING from_id;
    PERFORM pg_sleep(work);
    EXECUTE format('UPDATE %s SET v = v + 1 WHERE id = $1', to_rel) USING to_id;
    PERFORM pg_sleep(work);
END$$;
CREATE FUNCTION past(at timestamptz) RETURNS TABLE (rel text, id int, v int) LANGUAGE sql AS $$
    SELECT 'a', (r).* FROM schemakit.audit_as_of(NULL::a, at) AS r UNION ALL
    SELECT 'b', (r).* FROM schemakit.audit_as_of(NULL::b, at) AS r UNION ALL
    SELECT 'c', (r).* FROM schemakit.audit_as_of(NULL::c, at) AS r$$;
CREATE VIEW moments AS SELECT DISTINCT n, taken_at FROM copies;
CREATE VIEW present AS SELECT 'a' AS rel, * FROM a UNION ALL SELECT 'b', * FROM b UNION ALL SELECT 'c', * FROM c;
S

    # With track_commit_timestamp, copies are taken while a transaction is prepared, which
    # is not there before COMMIT PREPARED; without, it counts from PREPARE on.
    my $work = $node->basedir . '/work.sql';
    append_to_file($work, <<'S');
\set how random(0, 99)
\set i random(1, 20)
\set j random(1, 20)
\set gid random(0, 1000000000)
SELECT (ARRAY['a','b','c'])[1 + (random() * 2)::int] AS f, (ARRAY['a','b','c'])[1 + (random() * 2)::int] AS t, random() / 200 AS nap \gset
\if :how < 25
SELECT move(':f', :i, ':t', :j, :nap) FROM pg_advisory_lock_shared(1);
SELECT pg_advisory_unlock_shared(1);
\elif :how < 35
UPDATE :f SET v = v WHERE id = :i AND pg_advisory_xact_lock_shared(1) IS NOT NULL;
\else
BEGIN;
SELECT move(':f', :i, ':t', :j, :nap);
\if :how < 55
SAVEPOINT s;
SELECT move(':t', :i, ':f', :j, 0);
\if :how < 45
ROLLBACK TO s;
\endif
SELECT move(':f', :j, ':f', :i, 0);
\endif
\if :how < 80
SELECT pg_advisory_xact_lock_shared(1);
COMMIT;
\elif :how < 88
ROLLBACK;
\else
\if :track = 0
SELECT pg_advisory_xact_lock_shared(1);
\endif
PREPARE TRANSACTION ':gid';
\if :how < 97
\if :track
SELECT pg_sleep(:nap * 10);
SELECT pg_advisory_lock_shared(1);
\endif
COMMIT PREPARED ':gid';
\if :track
SELECT pg_advisory_unlock_shared(1);
\endif
\else
ROLLBACK PREPARED ':gid';
\endif
\endif
\endif
S

    my $copies = 0;
    my $pending = 0;
    # on a busy machine it takes more rounds
    for (my $round = 1; $round <= $rounds || ($round <= 10 * $rounds && ($copies <= 5 || ($track eq 'on' && !$pending))); $round++)
    {
        my $until = time + $seconds;
        my $load = IPC::Run::start([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', $clients, '-D', 'track=' . ($track eq 'on' ? 1 : 0), '-T', $seconds, '-f', $work, 'postgres' ],
            '>', \my $out, '2>', \my $err);
        while (time < $until)
        {
            sleep(0.05 + rand(0.1));
            my ($rc, $stdout) = $node->psql('postgres', q{SET lock_timeout = '5s'; SELECT FROM pg_advisory_lock(1); BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM take();
                SELECT count(*) FROM pg_prepared_xacts; COMMIT}, on_error_stop => 1);
            $copies++ if $rc == 0;
            $pending += $stdout if $rc == 0 && $stdout =~ /^\d+$/;
        }
        # a client that gets an error ends
        $node->psql('postgres', "SELECT $_(pid) FROM pg_stat_activity WHERE application_name = 'pgbench' AND state <> 'idle' ORDER BY random() LIMIT 1")
            for 'pg_cancel_backend', 'pg_terminate_backend';
        kill_one() if $round % 2 == 0;
        $load->finish;
        $node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
        # with a lock that keeps copies away, or not
        $node->safe_psql('postgres', (rand() < 0.5 ? 'COMMIT' : 'ROLLBACK') . " PREPARED '$_'") for split /\n/, $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
    }
    cmp_ok($copies, '>', 5, "track_commit_timestamp $track: copies were taken: $copies");
    $track eq 'on' ? cmp_ok($pending, '>', 0, "some while transactions were prepared: $pending") : is($pending, 0, 'none while one was prepared');
    cmp_ok($node->safe_psql('postgres', 'SELECT count(DISTINCT txn_id) FROM schemakit.audit_event'), '>', 50, 'while transactions changed accounts');
    at_moments("track_commit_timestamp $track");
    is( $node->safe_psql('postgres', q{SELECT txn_id, events, count FROM schemakit.audit_event AS c,
            LATERAL (SELECT count(*) FROM schemakit.audit_event AS e WHERE e.txn_id = c.txn_id AND e.op <> 'C') AS n WHERE c.op = 'C' AND count <> events LIMIT 10}),
        '', 'every transaction has as many events as it says');
    is( $node->safe_psql('postgres', q{SELECT txn_id FROM schemakit.audit_event WHERE op NOT IN ('B') GROUP BY 1 HAVING count(*) > 1 AND count(*) FILTER (WHERE op = 'C') <> 1 LIMIT 10}),
        '', 'and says so once, if there is more than one');
    last if $track eq 'on';
    $node->stop;
}

# Of one that is prepared, for certain: the whole table, a row, and versions
my $value = $node->safe_psql('postgres', 'SELECT v FROM a WHERE id = 1');
$node->safe_psql('postgres', $_) for
  q{BEGIN; UPDATE a SET v = v + 1000 WHERE id = 1; UPDATE b SET v = v - 1000 WHERE id = 1; PREPARE TRANSACTION 'certain'},
  q{SELECT schemakit.audit_mark('prepared')}, q{COMMIT PREPARED 'certain'}, q{SELECT schemakit.audit_mark('committed')};
for ([ 'prepared', 0 ], [ 'committed', 1000 ])
{
    my ($mark, $more) = @$_;
    is( $node->safe_psql('postgres', qq{SELECT (SELECT v FROM schemakit.audit_as_of(NULL::a, schemakit.audit_at('$mark')) WHERE id = 1) - $value,
            (SELECT v FROM schemakit.audit_as_of(NULL::a, schemakit.audit_at('$mark'), '{"id": 1}')) - $value,
            (SELECT (version).v FROM schemakit.audit_versions(NULL::a, '{"id": 1}', from_at => schemakit.audit_at('$mark'), to_at => schemakit.audit_at('$mark'))) - $value}),
        "$more|$more|$more", "a transaction that is prepared, at the mark: $mark");
}

# Maintenance keeps what the server knows, and does so once
my $before = $node->safe_psql('postgres', q{SELECT count(DISTINCT txn_id) FROM schemakit.audit_event});
is($node->safe_psql('postgres', q{SELECT action FROM schemakit.audit_maintain() WHERE action ~ 'kept'}), "commit times kept: $before", 'the times of all transactions are kept');
is($node->safe_psql('postgres', q{SELECT action FROM schemakit.audit_maintain() WHERE action ~ 'kept'}), '', 'once');
is( $node->safe_psql('postgres', q{SELECT txn_id FROM schemakit.audit_event GROUP BY 1
        HAVING max(changed_at) FILTER (WHERE op = 'C') <> pg_xact_commit_timestamp((txn_id & 4294967295)::text::xid) OR count(*) FILTER (WHERE op = 'C') > 2 LIMIT 10}),
    '', 'they are those of the server');
at_moments('kept');
$node->safe_psql('postgres', q{UPDATE a SET v = v WHERE id = 1; BEGIN; UPDATE a SET v = v + 1 WHERE id = 1; UPDATE a SET v = v - 1 WHERE id = 1; PREPARE TRANSACTION 'kept later'});
is($node->safe_psql('postgres', q{SELECT action FROM schemakit.audit_maintain() WHERE action ~ 'kept'}), '', 'one that is prepared has none');
$node->safe_psql('postgres', q{COMMIT PREPARED 'kept later'});
is($node->safe_psql('postgres', q{SELECT action FROM schemakit.audit_maintain() WHERE action ~ 'kept'}), 'commit times kept: 1', 'when it is committed, it has');
$node->append_conf('postgresql.conf', 'track_commit_timestamp = off');
$node->restart;
at_moments('forgotten by the server');

# What is not over yet is told of
my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN; UPDATE a SET v = v WHERE id = 1');
my ($rc, $stdout, $stderr) = $node->psql('postgres', q{SELECT count(*) FROM schemakit.audit_as_of(NULL::a, clock_timestamp())});
like($stderr, qr/NOTICE:  what table "a" was at that time is not final yet/, 'a transaction that runs is told of');
($rc, $stdout, $stderr) = $node->psql('postgres', q{SELECT count(*) FROM schemakit.audit_as_of(NULL::a, clock_timestamp() - interval '1 minute')});
unlike($stderr, qr/not final/, 'but not of times before it');
$session->query_safe(q{PREPARE TRANSACTION 'left'});
$session->quit;
($rc, $stdout, $stderr) = $node->psql('postgres', q{SELECT count(*) FROM schemakit.audit_as_of(NULL::a, clock_timestamp())});
like($stderr, qr/NOTICE:  what table "a" was at that time is not final yet/, 'so is one that is prepared');
$node->safe_psql('postgres', q{COMMIT PREPARED 'left'});

# One row in a statement of its own needs no more than that; whatever goes on does
for (['UPDATE a SET v = v + 1 WHERE id = 1', 1], ['BEGIN; UPDATE a SET v = v + 1 WHERE id = 1; COMMIT', 2], ['UPDATE a SET v = v + 1 WHERE id < 3', 3],
    [q{UPDATE a SET v = v + 1 WHERE id = 1 AND pg_sleep(1.1) IS NOT NULL}, 2], [q{SELECT move('a', 1, 'b', 1, 0)}, 3], ['BEGIN; SAVEPOINT s; UPDATE a SET v = 0; ROLLBACK TO s; COMMIT', 0])
{
    my ($statement, $expected) = @$_;
    $node->safe_psql('postgres', 'CREATE TABLE had AS SELECT txn_id, n FROM schemakit.audit_event');
    $node->safe_psql('postgres', $statement);
    is($node->safe_psql('postgres', 'SELECT count(*) FROM schemakit.audit_event WHERE (txn_id, n) NOT IN (SELECT txn_id, n FROM had)'), $expected, "events of: $statement");
    $node->safe_psql('postgres', 'DROP TABLE had');
}
# A statement that had to wait had begun by a time, and changed its row later
for my $as_of ("SELECT v FROM schemakit.audit_as_of(NULL::a, ?) WHERE id = 1", q{SELECT v FROM schemakit.audit_as_of(NULL::a, ?, '{"id": 1}')})
{
    $node->safe_psql('postgres', 'UPDATE a SET v = 1 WHERE id = 1');
    my $slow = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', 'UPDATE a SET v = 2 WHERE id = 1 AND pg_sleep(3) IS NOT NULL' ]);
    $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
    my $at = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
    $slow->finish;
    is($node->safe_psql('postgres', $as_of =~ s/\?/'$at'/r), '1', 'a statement that had to wait is later than the time at which it did');
}
append_to_file($node->basedir . '/one.sql', "UPDATE a SET v = v + 1 WHERE id = 1;\n");
for my $protocol ('simple', 'extended', 'prepared')
{
    $node->safe_psql('postgres', 'CREATE TABLE had AS SELECT txn_id, n FROM schemakit.audit_event');
    $node->command_ok([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-t', 5, '-M', $protocol, '-f', $node->basedir . '/one.sql', 'postgres' ], "protocol: $protocol");
    is($node->safe_psql('postgres', q{SELECT string_agg(op, '') FROM schemakit.audit_event WHERE (txn_id, n) NOT IN (SELECT txn_id, n FROM had)}), 'UUUUU', 'one event for each transaction');
    $node->safe_psql('postgres', 'DROP TABLE had');
}
$node->stop;
done_testing();
