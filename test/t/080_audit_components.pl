# The audit log with the real pgbouncer and the real pg_cron: actors behind a
# pool in transaction mode, and maintenance by a scheduled job.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
my $cron = -e $node->config_data('--pkglibdir') . '/pg_cron.so';
$node->append_conf('postgresql.conf', <<'C') if $cron;
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
C
$node->start;
my $user = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit;
    CREATE TABLE t (id bigserial PRIMARY KEY, who text);
    SELECT schemakit.audit_enable('t');
    CREATE TABLE required (id bigserial PRIMARY KEY, who text);
    SELECT schemakit.audit_enable('required', require_actor => true)});

# 1. Behind pgbouncer
SKIP:
{
    skip 'not checked: pgbouncer is not installed', 8 unless program('pgbouncer');
    my ($pooler, $port, $dir) = start_pooler($node, 'postgres', 2);
    ok(accepts($dir, $port, 'postgres'), 'connected through pgbouncer');

    my %script = (
        ann => q{BEGIN; SET LOCAL schemakit.audit_actor = 'ann'; INSERT INTO t (who) VALUES ('ann'); COMMIT;},
        bob => q{BEGIN; SELECT schemakit.audit_set_actor('bob', '{"by": "bob"}'); INSERT INTO t (who) VALUES ('bob'); UPDATE t SET who = who WHERE id = 1; COMMIT;},
        carl => q{INSERT INTO t (who) VALUES ('carl@example.com') /*actor='carl%40example.com',route='%2Forders'*/;},
        dan => q{INSERT INTO required (who) VALUES ('dan') /*actor='dan'*/;},
        eve => q{BEGIN; INSERT INTO t (who) VALUES ('eve') /*actor='eve'*/; INSERT INTO t (who) VALUES (NULL); COMMIT;},
        fay => q{BEGIN; SELECT schemakit.audit_set_actor('fay'); INSERT INTO t (who) VALUES ('fay'); ROLLBACK;},
        nobody => q{INSERT INTO t (who) VALUES (NULL);});
    my @files;
    for my $who (sort keys %script)
    {
        append_to_file("$dir/$who.sql", join("\n", split(/(?<=;) /, $script{$who})) . "\n");
        push @files, '-f', "$dir/$who.sql";
    }
    for my $mode ('simple', 'extended')
    {
        command_ok([ 'pgbench', '-n', '-c', 8, '-t', 100, '-M', $mode, @files, '-h', $dir, '-p', $port, '-U', $user, 'postgres' ],
            "8 clients on 2 connections, $mode protocol");
    }
    # pgbouncer keeps prepared statements apart from 1.21 on; here without it
    command_ok([ 'pgbench', '-n', '-c', 2, '-t', 100, '-M', 'prepared', @files, '-h', $node->host, '-p', $node->port, '-U', $user, 'postgres' ],
        'prepared statements');
    is( $node->safe_psql('postgres', q{SELECT count(*) > 1000, count(DISTINCT pid) <= 4, count(DISTINCT actor), count(*) FILTER (WHERE new ->> 'who' IS DISTINCT FROM actor)
            FROM schemakit.audit_log}), 't|t|5|0', 'everybody is who they say, and nobody is somebody else');
    is( $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_log WHERE (context IS NOT NULL) <> (actor IS NOT DISTINCT FROM 'bob')}),
        '0', 'and has said what they say');
    is($node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_log WHERE actor = 'fay' OR new ->> 'who' = 'fay'}), '0', 'what was rolled back leaves no actor');
    my ($rc, $o, $e) = $node->psql('postgres', q{INSERT INTO required (who) VALUES ('x')}, extra_params => [ '-h', $dir, '-p', $port ]);
    like($e, qr/no actor is set/, 'without an actor nothing is written where one is required');
    $pooler->signal('INT');
    $pooler->finish;
}

# 2. Maintenance
sub leaves
{
    return $node->safe_psql('postgres', q{SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = 'schemakit.audit_event'::regclass AND c.relname } . $_[0]);
}
sub old_event
{
    my ($at) = @_;
    return "SET schemakit.audit_writable = on; INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id, carrier, op) SELECT 0, '$at', '$at', 1, 0, min(shape_id), 1, 'T' FROM schemakit.audit_shape;";
}
my $months = $node->safe_psql('postgres', q{SELECT string_agg('audit_event_p' || to_char(m, 'YYYY_MM'), ' ' ORDER BY m) FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
    (now() + '3 months') AT TIME ZONE 'UTC', '1 month') AS m});
$node->safe_psql('postgres', 'SELECT schemakit.audit_maintain()');
is(leaves(q{LIKE '%_p2%'}), $months, 'audit_maintain() makes the months ahead');
$node->safe_psql('postgres', old_event('2001-01-31 23:59:59+00') . old_event('2001-02-01 00:00:00+00') . old_event('2001-02-28 12:00:00+00') . old_event('2020-01-15'));
SKIP:
{
    skip 'not checked: pg_cron is not installed', 5 unless $cron;
    $node->safe_psql('postgres', q{CREATE EXTENSION pg_cron; SELECT cron.schedule('audit', '@reboot', 'SELECT schemakit.audit_maintain()')});
    $node->restart;
    ok( $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM cron.job_run_details WHERE status = 'succeeded'}), 'a job of pg_cron has run');
    is(leaves(q{~ '_p20[02][01]_'}), 'audit_event_p2001_01 audit_event_p2001_02 audit_event_p2020_01', 'and moved the rows of the default partition to their months');
    is( $node->safe_psql('postgres', q{SELECT string_agg(count::text, ' ' ORDER BY leaf) FROM (SELECT tableoid::regclass::text AS leaf, count(*) FROM schemakit.audit_event WHERE at < '2021-01-01' GROUP BY 1) AS c}),
        '1 2 1', 'all of them');
    $node->safe_psql('postgres', q{SELECT cron.schedule('audit', '@reboot', 'SELECT schemakit.audit_maintain(retain => ''20 years'')')});
    $node->restart;
    ok( $node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM cron.job_run_details WHERE status = 'succeeded'}), 'the next time with a retention');
    is(leaves(q{~ '_p20[02][01]_'}), 'audit_event_p2020_01', 'it dropped what is older');
}

sub drop_leaves
{
    $node->safe_psql('postgres', q{SET schemakit.audit_writable = on; DO $$DECLARE r regclass; BEGIN FOR r IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass
        AND inhrelid::regclass::text !~ 'default' LOOP EXECUTE format('ALTER EXTENSION schemakit DROP TABLE %1$s; DROP TABLE %1$s', r); END LOOP; END$$});
    return;
}

# 3. Nobody maintains anything: no partition, and writes go on
drop_leaves();
$node->safe_psql('postgres', q{INSERT INTO t (who) VALUES ('late')});
is( $node->safe_psql('postgres', q{SELECT tableoid::regclass FROM schemakit.audit_event WHERE new ->> 'who' = 'late'}),
    'schemakit.audit_event_default', 'without partitions events go to the default one');
$node->safe_psql('postgres', 'SELECT schemakit.audit_maintain()');
is( $node->safe_psql('postgres', q{SELECT tableoid::regclass::text ~ '_p20', new ->> 'who' FROM schemakit.audit_event WHERE new ->> 'who' = 'late'}),
    't|late', 'until somebody makes them');

# 4. A partition that ended after a running transaction began is kept: that may still write there
drop_leaves();
my $writer = $node->background_psql('postgres');
$writer->query_safe('BEGIN; SELECT 1');
$node->safe_psql('postgres', q{SELECT pg_sleep(0.01);
    SET schemakit.audit_writable = on; SELECT format('CREATE TABLE schemakit.audit_event_short PARTITION OF schemakit.audit_event FOR VALUES FROM (%L) TO (%L)', now() - interval '1 hour', now()) \gexec});
is( $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_maintain('0', '0', true) WHERE partition = 'audit_event_short'}),
    '0', 'the partition of a running transaction stays');
$writer->query_safe(q{INSERT INTO t (who) VALUES ('running')});
$writer->query_safe('COMMIT');
is( $node->safe_psql('postgres', q{SELECT new ->> 'who' FROM schemakit.audit_event_short WHERE op <> 'C'}), 'running', 'and it writes there');
is( $node->safe_psql('postgres', q{SELECT action FROM schemakit.audit_maintain('0', '0', true) WHERE partition = 'audit_event_short'}),
    'dropped', 'until it has ended');
$writer->quit;

# 5. Maintenance while everybody writes: nothing fails, nobody waits for long
append_to_file($node->basedir . '/write.sql', "INSERT INTO t (who) VALUES ('x');\n");
my ($out, $err) = ('', '');
my $logs = $node->basedir . '/latency';
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 4, '--log', "--log-prefix=$logs", '-f', $node->basedir . '/write.sql', '-h', $node->host, '-p', $node->port, '-U', $user, 'postgres' ], '>', \$out, '2>', \$err);
my $dropped = 0;
for my $year (2001 .. 2006)
{
    $node->safe_psql('postgres', old_event("$year-06-15"));
    $dropped += $node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_maintain(retain => '15 years') WHERE action IN ('dropped', 'rows deleted: 1')});
}
$load->finish;
is($err =~ s/^pgbench.*$//mr, '', 'no writer failed while the log was maintained');
is($dropped, 6, 'and it was');
my ($longest) = sort { $b <=> $a } map { (split)[2] } map { split /\n/, slurp_file($_) } glob("$logs.*");
note("the longest write took $longest microseconds");
cmp_ok($longest, '<', 2_000_000, 'no writer waited for long');
is( $node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM t WHERE who = 'x') = (SELECT count(*) FROM schemakit.audit_log WHERE new ->> 'who' = 'x')}), 't', 'all that was written is there');

$node->stop;
done_testing();
