# The audit log in what a session can do: prepared transactions, procedures that
# commit, cursors, COPY FREEZE, cancelled statements, virtual columns, kept plans.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 10');
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit;
    CREATE TABLE t (id int PRIMARY KEY, v text);
    SELECT schemakit.audit_enable('t')});

# What the log says since the last time, as "I1 U1": in its order, by id.
my $position;
sub since
{
    my $from = defined $position ? "'$position'" : 'NULL';
    my $events = $node->safe_psql('postgres',
        "SELECT string_agg(op || coalesce(key ->> 'id', ''), ' ') FROM schemakit.audit_changes($from)");
    my $next = $node->safe_psql('postgres', 'SELECT schemakit.audit_position()');
    $position = $next;
    return $events;
}

since();
$node->safe_psql('postgres', q{BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'kept'});
$node->safe_psql('postgres', q{BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'lost'});
$node->safe_psql('postgres', 'INSERT INTO t VALUES (3)');
is(since(), 'I3', 'prepared transactions are not there yet');
$node->restart;
$node->safe_psql('postgres', q{COMMIT PREPARED 'kept'});
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'lost'});
is(since(), 'I1', 'what is committed late is not missed, what is rolled back is not there');

# one session, which prepares and goes on
$node->safe_psql('postgres', q{BEGIN; INSERT INTO t VALUES (4); PREPARE TRANSACTION 'one';
INSERT INTO t VALUES (5);
COMMIT PREPARED 'one';
INSERT INTO t VALUES (6);});
is(since(), 'I4 I5 I6', 'a session goes on after PREPARE TRANSACTION');
is( $node->safe_psql('postgres', q{SELECT count(DISTINCT txn_id), count(DISTINCT xid) FROM schemakit.audit_log WHERE (key ->> 'id')::int BETWEEN 4 AND 6}),
    '3|3', 'with numbers of their own');

# comments in UTF-8, and databases in other encodings
for my $encoding (qw(LATIN1 EUC_JP SQL_ASCII UTF8))
{
    my $db = lc $encoding;
    $node->safe_psql('postgres', "CREATE DATABASE $db ENCODING $encoding LOCALE 'C' TEMPLATE template0");
    $node->safe_psql($db, q{CREATE EXTENSION schemakit; CREATE TABLE said (id int PRIMARY KEY); SELECT schemakit.audit_enable('said')});
    my ($rc, $out, $err) = $node->psql($db, q{INSERT INTO said VALUES (1) /*actor='J%C3%BCrgen'*/;
        INSERT INTO said VALUES (2) /*actor='%e7%94%b0%E4%B8%AD'*/;
        INSERT INTO said VALUES (3) /*actor='%e7%94'*/;
        INSERT INTO said VALUES (4) /*actor='J%fcrgen'*/;
        INSERT INTO said VALUES (5) /*actor='ann'*/});
    is($err, '', "$encoding: no comment fails its statement");
    my $ascii = $encoding eq 'SQL_ASCII';
    is( $node->safe_psql($db, q{SET client_encoding = SQL_ASCII; SELECT string_agg(coalesce(encode(convert_to(actor, 'SQL_ASCII'), 'hex'), '-'), ' ' ORDER BY changed_at) FROM schemakit.audit_log}),
        {
            LATIN1 => '4afc7267656e - - - 616e6e',
            EUC_JP => '4a8fabe47267656e c5c4c3e6 - - 616e6e',
            SQL_ASCII => '4ac3bc7267656e e794b0e4b8ad e794 4afc7267656e 616e6e',
            UTF8 => '4ac3bc7267656e e794b0e4b8ad - - 616e6e',
        }->{$encoding},
        "$encoding: the actor is in the encoding of the database");
}

# statements of the extended protocol
$node->safe_psql('postgres', 'CREATE TABLE spoken (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int); SELECT schemakit.audit_enable(\'spoken\')');
my $spoken = $node->basedir . '/spoken.sql';
append_to_file($spoken, "\\set v 1\nINSERT INTO spoken (v) VALUES (:v) /*actor='ann'*/;\n/*actor='bob'*/ INSERT INTO spoken (v) VALUES (:v);\nINSERT INTO spoken (v) VALUES (:v);\n"
      . "\\startpipeline\nSELECT schemakit.audit_set_actor('cas');\nSELECT 1;\n\\endpipeline\n");
for my $protocol (qw(extended prepared))
{
    my ($out, $err) = run_command([ 'pgbench', '-n', '-t', 2, '-M', $protocol, '-f', $spoken, '-h', $node->host, '-p', $node->port, 'postgres' ]);
    unlike($err, qr/WARNING/, "$protocol: an actor in a pipeline that only reads is no mistake");
    is( $node->safe_psql('postgres', q{SELECT string_agg(coalesce(actor, '-'), ' ' ORDER BY changed_at) FROM schemakit.audit_log WHERE table_name = 'public.spoken'}),
        'ann bob - ann bob -', "$protocol: each statement has its comment");
    $node->safe_psql('postgres', 'SET schemakit.audit_writable = on; DELETE FROM schemakit.audit_event WHERE shape_id IN (SELECT shape_id FROM schemakit.audit_shape WHERE table_name = \'spoken\')');
}
since();

$node->safe_psql('postgres', q{CREATE PROCEDURE p() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO t VALUES (10); COMMIT;
    INSERT INTO t VALUES (11); ROLLBACK;
    FOR i IN 12..13 LOOP
        BEGIN
            INSERT INTO t VALUES (i); INSERT INTO t VALUES (1);
        EXCEPTION WHEN unique_violation THEN INSERT INTO t VALUES (i + 10);
        END;
    END LOOP;
END$$;
CALL p()});
is(since(), 'I10 I22 I23', 'procedures that commit, blocks that fail');

$node->safe_psql('postgres', q{BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE id IN (1, 3) ORDER BY id FOR UPDATE;
FETCH c; UPDATE t SET v = 'x' WHERE CURRENT OF c; FETCH c; DELETE FROM t WHERE CURRENT OF c;
COMMIT});
is(since(), 'U1 D3', 'cursors');

$node->safe_psql('postgres', q{BEGIN;
CREATE TABLE frozen (id int PRIMARY KEY);
SELECT schemakit.audit_enable('frozen');
COPY frozen FROM PROGRAM 'seq 1 3' WITH (FREEZE);
UPDATE frozen SET id = 4 WHERE id = 3;
COMMIT});
is(since(), 'I1 I2 I3 U4', 'COPY FREEZE');

my ($rc, $out, $err) = $node->psql('postgres', q{SET statement_timeout = '50ms';
INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1000, 2000000) AS i});
like($err, qr/statement timeout/, 'a cancelled statement');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_log WHERE (key ->> 'id')::int >= 1000}),
    '0', 'leaves nothing');

# the order within a transaction is that of the changes, also through functions
$node->safe_psql('postgres', q{CREATE FUNCTION bump(i int) RETURNS text LANGUAGE plpgsql AS
    $$BEGIN UPDATE t SET v = coalesce(v, '') || 'b' WHERE id = i; RETURN 'z'; END$$;
    CREATE TABLE other (id int PRIMARY KEY, v text);
    SELECT schemakit.audit_enable('other');
    INSERT INTO other VALUES (1)});
$node->safe_psql('postgres', q{UPDATE t SET v = 'a' WHERE id = 4; UPDATE other SET v = bump(4)});
is( $node->safe_psql('postgres', q{SELECT string_agg(new ->> 'v', ' ') FROM schemakit.audit_history('t', '{"id": 4}')}),
    'a ab', 'a function that an UPDATE calls');

SKIP:
{
    skip 'virtual columns came with PostgreSQL 18', 2 if $node->safe_psql('postgres', 'SHOW server_version_num') < 180000;
    $node->safe_psql('postgres', q{CREATE TABLE virtual (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL);
        SELECT schemakit.audit_enable('virtual');
        INSERT INTO virtual VALUES (1, 1); UPDATE virtual SET a = 2});
    is( $node->safe_psql('postgres', q{SELECT coalesce(old, '{}'), new FROM schemakit.audit_log WHERE table_name = 'public.virtual' ORDER BY txn_id}),
        qq({}|{"a": 1, "id": 1}\n{"a": 1}|{"a": 2}), 'virtual columns are not stored');
    is( $node->safe_psql('postgres', q{SELECT * FROM schemakit.audit_as_of(NULL::virtual, (SELECT min(changed_at) FROM schemakit.audit_log WHERE table_name = 'public.virtual'))}),
        '1|1|', 'nor told');
}

# A session keeps the plans that it reads the log with, whatever happens to the log:
# months come and go, another role has fewer rights, the extension is made again.
$node->safe_psql('postgres', 'CREATE DATABASE kept');
my $session = $node->background_psql('kept', on_error_stop => 0);
my $read = q{SELECT string_agg(op, '') FROM schemakit.audit_history('t', '{"id": 1}')};
my $as_of = q{SELECT v FROM schemakit.audit_as_of(NULL::t, now(), '{"id": 1}')};
$session->query_safe(q{CREATE EXTENSION schemakit; CREATE TABLE t (id int PRIMARY KEY, v int); SELECT schemakit.audit_enable('t')});
$session->query_safe("INSERT INTO t VALUES (1, $_); DELETE FROM t") for 1 .. 3;
is($session->query_safe($read), 'IDIDID', 'a row is read');
is($session->query_safe($as_of), '', 'as it was, too');
$session->query_safe(q{SET schemakit.audit_writable = on; UPDATE schemakit.audit_event SET at = at - interval '5 months', changed_at = changed_at - interval '5 months';
    RESET schemakit.audit_writable; SELECT schemakit.audit_maintain()});
$session->query_safe('INSERT INTO t VALUES (1, 4)');
is($session->query_safe($read), 'IDIDIDI', 'months were added');
is($session->query_safe($as_of), '4', 'a row as it is');
$session->query_safe(q{SELECT schemakit.audit_maintain(retain => '2 months')});
is($session->query_safe($read), 'I', 'months were dropped');
$session->query_safe(q{CREATE ROLE reader; GRANT USAGE ON SCHEMA schemakit TO reader; GRANT SELECT ON t TO reader; SET ROLE reader});
$session->query($_) for $read, $as_of;
is(() = $session->{stderr} =~ /permission denied for/g, 2, 'another role may not');
$session->{stderr} = '';
$session->query_safe('RESET ROLE; GRANT SELECT ON schemakit.audit_log TO reader; SET ROLE reader');
is($session->query_safe($read), 'I', 'unless it may');
$session->query_safe(q{RESET ROLE; SET schemakit.audit_writable = on; DROP EXTENSION schemakit CASCADE; RESET schemakit.audit_writable; CREATE EXTENSION schemakit; SELECT schemakit.audit_enable('t'); UPDATE t SET v = 5});
is($session->query_safe($read), 'U', 'the extension was made again');
is($session->query_safe($as_of), '5', 'and a row is as it is');
$session->quit;

$node->stop;
done_testing();
