# The audit log in trouble: maintained late and under load, restored in parts,
# gone round by those who may, taken along by pg_upgrade.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = $node->basedir;
my @at = ('-h', $node->host, '-p', $node->port);

sub new_database
{
    my ($name) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
    $node->safe_psql($name, q{CREATE EXTENSION schemakit; CREATE TABLE t (id bigserial PRIMARY KEY, who text);
        SELECT schemakit.audit_enable('t')});
    return;
}

# Months that have long ended, with one event each.
sub old_months
{
    my ($db, $count) = @_;
    for my $m (1 .. $count)
    {
        $node->safe_psql($db, "SET schemakit.audit_writable = on; INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id, carrier, op) VALUES (0, '2001-$m-15', '2001-$m-15', 1, 0, 1, 1, 'T')");
    }
    $node->safe_psql($db, 'SELECT schemakit.audit_maintain()');
    return;
}

# Nobody has made months since: that of today and those to come are missing.
sub forget_maintenance
{
    my ($db) = @_;
    $node->safe_psql($db, q{SET schemakit.audit_writable = on; DO $$DECLARE r regclass; BEGIN FOR r IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass
        AND inhrelid::regclass::text ~ '_p2[^0]|_p20[^0]' LOOP EXECUTE format('ALTER EXTENSION schemakit DROP TABLE %1$s; DROP TABLE %1$s', r); END LOOP; END$$});
    return;
}

# 0. Somebody holds a lock before anything is known of the log
new_database('held');
for my $table ('audit_event_default', 'audit_event')
{
    for my $retain ('', "retain => '1 year'")
    {
        my $holder = $node->background_psql('held');
        $holder->query_safe("BEGIN; LOCK TABLE schemakit.$table");
        my ($rc, $out, $err) = $node->psql('held', "SET lock_timeout = '200ms'; SELECT * FROM schemakit.audit_maintain($retain)");
        like($out, qr/^audit_(txn|event)\|busy$/, "a lock on $table that cannot be had, $retain");
        $holder->quit;
    }
}
is($node->safe_psql('held', q{SELECT count(*) FROM schemakit.audit_maintain() WHERE action = 'busy'}), '0', 'and the server is there');

# 1. Rows to move and partitions to drop, while writers come in
new_database('late');
old_months('late', 2);
forget_maintenance('late');
$node->safe_psql('late', q{INSERT INTO t (who) SELECT 'x' FROM generate_series(1, 30000)});
my (@writers, @err);
my $said = '';
for my $i (0 .. 39)
{
    push @err, '';
    push @writers, IPC::Run::start([ 'psql', '-X', '-q', @at, '-c', "INSERT INTO t (who) VALUES ('w')", 'late' ], '>', \my $o, '2>', \$err[$i]);
    push @writers, IPC::Run::start([ 'psql', '-X', '-q', @at, '-c', q{SELECT schemakit.audit_maintain(retain => '15 years')}, 'late' ], '>', \my $p, '2>', \$said) if $i == 5;
    sleep 0.1;
}
$_->finish for @writers;
is(join('', @err), '', 'no writer fails while the log is maintained late');
unlike($said, qr/ERROR/, 'nor does maintenance');
is($node->safe_psql('late', q{SELECT count(*) FROM schemakit.audit_log WHERE new ->> 'who' = 'w'}), '40', 'and each writer is in the log');

# 2. Partitions to drop, while somebody reads the log, or these partitions
for my $what ('audit_event', 'audit_event_p2001_01, schemakit.audit_event_p2001_02, schemakit.audit_event_p2001_03, schemakit.audit_event_p2001_04')
{
    my $db = 'read' . length($what);
    new_database($db);
    old_months($db, 4);
    my $reader = $node->background_psql($db);
    $reader->query_safe("BEGIN; LOCK TABLE schemakit.$what IN ACCESS SHARE MODE");
    # connected already: it is locks that are looked at
    my $writer = $node->background_psql($db);
    my $maintenance = IPC::Run::start([ 'psql', '-X', '-q', @at, '-c', q{SELECT schemakit.audit_maintain(retain => '15 years')}, $db ], '>', \my $p, '2>', \my $q);
    my ($stalled, $end) = (0, time + 8);
    while ($maintenance->pumpable && time < $end)
    {
        my $start = time;
        $writer->query_safe(q{INSERT INTO t (who) VALUES ('w')});
        $stalled += time - $start if time - $start > 0.5;
        $maintenance->pump_nb;
        sleep 0.05;
    }
    ok($maintenance->finish, 'maintenance ends well') or diag($q);
    is($q, '', 'and without a word');
    $_->quit for $reader, $writer;
    note("writers waited for $stalled s");
    cmp_ok($stalled, '<', 3, "writers are held up for about a second in all while somebody reads " . substr($what, 0, 20));
}

# 3. Many rows to move
new_database('move');
forget_maintenance('move');
$node->safe_psql('move', q{INSERT INTO t (who) SELECT 'x' FROM generate_series(1, 500000)});
my $maintenance = IPC::Run::start([ 'psql', '-X', '-q', @at, '-c', q{SELECT schemakit.audit_maintain()}, 'move' ], '>', \my $p, '2>', \my $q);
sleep 0.3;
my ($rc, $out, $stderr) = $node->psql('move', q{SET lock_timeout = '2s'; INSERT INTO t (who) VALUES ('w')});
is($stderr, '', 'a writer does not wait for long while rows are moved');
ok($maintenance->finish, 'they are moved') or diag($q);
is($q, '', 'without a word');

# 4. Writers at all times
new_database('starve');
forget_maintenance('starve');
append_to_file("$dir/think.sql", "BEGIN;\nINSERT INTO t (who) VALUES ('x');\n\\sleep 3 ms\nINSERT INTO t (who) VALUES ('x');\nEND;\n");
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 30, '-T', 8, '-f', "$dir/think.sql", @at, 'starve' ], '>', \my $o, '2>', \my $e);
sleep 0.5;
my $busy = 0;
$busy += $node->safe_psql('starve', q{SELECT count(*) FROM schemakit.audit_maintain() WHERE action = 'busy' AND partition = 'audit_event'}) for 1 .. 3;
$load->finish;
unlike($e, qr/ERROR|FATAL/, 'no writer fails');
# how often is a matter of luck: "busy" is what it may say
cmp_ok($busy, '<', 3, 'maintenance gets its turn at some time');
is($node->safe_psql('starve', q{SELECT (SELECT count(*) FROM schemakit.audit_maintain() WHERE action = 'busy'), (SELECT count(*) FROM schemakit.audit_event_default)}),
    '0|0', 'and at the latest when they have gone');

# 5. Schema first, then data: the dump brings the history of its rows, so that
# loading them is not recorded.
$node->safe_psql('move', 'TRUNCATE t');
new_database('parts');
$node->safe_psql('parts', q{CREATE TABLE a (id int PRIMARY KEY, name text); SELECT schemakit.audit_enable('a');
    INSERT INTO t (who) VALUES ('ann'); INSERT INTO a VALUES (7, 'seven')});
$node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE template0');
run_command([ 'pg_dump', @at, "-$_", '-f', "$dir/parts.$_", 'parts' ]) for 's', 'a';
my $errors = '';
for my $part ('s', 'a')
{
    my ($stdout, $stderr) = run_command([ 'psql', '-X', '-q', @at, '-f', "$dir/parts.$part", 'target' ]);
    $errors .= $stderr;
}
unlike($errors, qr/ERROR/, 'schema, then data: no error');
my $events = q{SELECT table_name, op, new FROM schemakit.audit_log ORDER BY 1, 3};
is($node->safe_psql('target', $events), $node->safe_psql('parts', $events), 'schema, then data: the same log');

# 6. A session that looks as if it loaded a dump cannot make changes that nobody
# can tell of.
$node->safe_psql('parts', q{CREATE TABLE moment AS SELECT clock_timestamp() AS at});
$node->safe_psql('parts', q{SELECT set_config('search_path', '', false), set_config('check_function_bodies', 'off', false);
    ALTER TABLE public.t DISABLE TRIGGER ALL; UPDATE public.t SET who = 'eve'; ALTER TABLE public.t ENABLE TRIGGER ALL});
($rc, $out, $stderr) = $node->psql('parts', 'SELECT who FROM schemakit.audit_as_of(NULL::t, (SELECT at FROM moment))');
like($stderr, qr/not recorded for some time/, 'a gap does not make audit_as_of tell what is not true');

$node->safe_psql('parts', 'CREATE ROLE mallory LOGIN; GRANT ALL ON t TO mallory; GRANT USAGE ON SEQUENCE t_id_seq TO mallory');
$node->safe_psql('parts', q{SET search_path = ''; SET check_function_bodies = off; INSERT INTO public.t (who) VALUES ('mallory')}, extra_params => [ '-U', 'mallory' ]);
is($node->safe_psql('parts', q{SELECT session_role FROM schemakit.audit_log WHERE new ->> 'who' = 'mallory'}), 'mallory', 'who may write is recorded, whatever the session looks like');
for my $way ('as a trigger', 'with event triggers off')
{
    my $off = $way =~ /off/ ? 'SET session_replication_role = replica;' : '';
    my $definition = $node->safe_psql('parts', q{SELECT pg_get_triggerdef(oid) || '; ALTER TABLE a ENABLE ALWAYS TRIGGER zz_schemakit_audit' FROM pg_trigger WHERE tgrelid = 'a'::regclass AND tgname = 'zz_schemakit_audit'});
    $node->safe_psql('parts', qq{TRUNCATE moment; INSERT INTO moment VALUES (clock_timestamp()); $off DROP TRIGGER zz_schemakit_audit ON a; UPDATE a SET name = 'eve'});
    $node->safe_psql('parts', $off ? q{SELECT schemakit.audit_enable('a')} : $definition);
    ($rc, $out, $stderr) = $node->psql('parts', q{UPDATE a SET name = 'seven'; SELECT name FROM schemakit.audit_as_of(NULL::a, (SELECT at FROM moment))});
    like($stderr, qr/not recorded for some time/, "a trigger that was dropped and made again, $way");
}

# 7. What TRUNCATE makes outdated is not kept to the end of the transaction.
$node->safe_psql('parts', q{CREATE TABLE small (id int PRIMARY KEY); SELECT schemakit.audit_enable('small')});
my $bytes = $node->safe_psql('parts', q{BEGIN; DO $$BEGIN FOR i IN 1 .. 1000 LOOP TRUNCATE small; INSERT INTO small VALUES (i); END LOOP; END$$;
    SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'schemakit%'});
cmp_ok($bytes, '<', 1000000, 'TRUNCATE in a loop keeps nothing');

# 8. A consumer of audit_changes() goes on after pg_upgrade.
my $position = $node->safe_psql('parts', 'SELECT position FROM schemakit.audit_changes() LIMIT 1');
$node->safe_psql('parts', q{INSERT INTO a VALUES (8, 'eight')});
my $bindir = $node->config_data('--bindir');
$node->stop;
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
chdir($new->basedir) or die;
command_ok([ 'pg_upgrade', '--no-sync', '--link', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
    '-s', $new->host, '-p', $node->port, '-P', $new->port ], 'pg_upgrade');
$new->start;
is($new->safe_psql('parts', "SELECT new FROM schemakit.audit_changes('$position')"), '{"id": 8, "name": "eight"}', 'a consumer misses nothing');
$new->stop;
done_testing();
