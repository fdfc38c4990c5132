# The audit log is dumped and restored without an error and without loss, also
# into a cluster where OIDs are others, and history goes on there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = $node->basedir;

# another cluster, whose OIDs are not the same
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->start;
$other->safe_psql('postgres', 'CREATE TABLE x (id int, v text); CREATE TABLE y (id int PRIMARY KEY); DROP TABLE x');

my $schema = q{
CREATE EXTENSION schemakit;
CREATE TABLE gone (a int); DROP TABLE gone;
CREATE TABLE users (id int PRIMARY KEY, name text, gone int, doc jsonb, email text);
ALTER TABLE users DROP gone;
CREATE TABLE "Odd ""Name" (id int, v numeric) PARTITION BY LIST (id);
CREATE TABLE odd_1 PARTITION OF "Odd ""Name" FOR VALUES IN (1);
CREATE TABLE keyless (a int);
CREATE TABLE paused (id int PRIMARY KEY);
-- some events are in the default partition, some of a month that has long passed
SET schemakit.audit_writable = on;
INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id, carrier, op) VALUES (0, '2001-01-15', '2001-01-15', 1, 0, 0, 1, 'T'), (0, '2002-01-15', '2002-01-15', 1, 0, 0, 1, 'T');
SELECT schemakit.audit_maintain();
SET schemakit.audit_writable = on;
INSERT INTO schemakit.audit_event (txn_id, at, changed_at, n, command, shape_id, carrier, op) VALUES (0, '1999-01-15', '1999-01-15', 1, 0, 0, 1, 'T');
SELECT schemakit.audit_enable('users', mask => '{"email": "hash"}'), schemakit.audit_enable('"Odd ""Name"', capture => 'full'), schemakit.audit_enable('keyless'), schemakit.audit_enable('paused', replica => true);
SELECT schemakit.audit_disable('paused');
SELECT schemakit.auto_enable('audit', 'app');
INSERT INTO users VALUES (1, 'ann', '{"a": 1}', 'a@x'), (2, 'bob', 'null', 'a@x');
CREATE TABLE moment AS SELECT clock_timestamp() AS at;
SELECT schemakit.audit_mark('before');
SELECT pg_sleep(0.01);
UPDATE users SET name = 'anna', id = 3 WHERE id = 1;
INSERT INTO "Odd ""Name" VALUES (1, 1.50);
INSERT INTO keyless VALUES (1), (1);
DELETE FROM keyless;
};
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', $schema);

# All that is in the log, and what it consists of.
# All but audit_origin, which tells a database from its copies.
sub log_of
{
    my ($n, $db) = @_;
    my @tables = split "\n", $n->safe_psql($db,
        q{SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'schemakit'::regnamespace AND relkind IN ('r', 'S') AND relname <> 'audit_origin' ORDER BY relname});
    return join "\n", (map { "$_: " . $n->safe_psql($db, "SELECT md5(string_agg(r::text, chr(10) ORDER BY r::text)), count(*) FROM (SELECT " . (/_id$/ ? 'last_value' : '*') . " FROM $_) AS r") } @tables),
      $n->safe_psql($db, q{SELECT c.relname, pg_get_expr(relpartbound, c.oid), pg_get_userbyid(relowner), relacl IS NULL OR relacl::text !~ ',',
          (SELECT string_agg(pg_get_indexdef(indexrelid), ';' ORDER BY pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = c.oid),
          (SELECT string_agg(tgname::text || tgenabled::text, ';' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid)
          FROM pg_class c WHERE relnamespace = 'schemakit'::regnamespace AND relkind = 'r' ORDER BY 1});
}

sub history_goes_on
{
    my ($n, $db, $name) = @_;
    my $rel_id = $n->safe_psql($db, q{SELECT DISTINCT rel_id FROM schemakit.audit_shape WHERE table_name = 'users'});
    my $position = $n->safe_psql($db, 'SELECT position FROM schemakit.audit_changes() LIMIT 1');
    $n->safe_psql($db, q{UPDATE users SET name = 'again' WHERE id = 3; UPDATE users SET email = 'b@x' WHERE id = 2;
        UPDATE "Odd ""Name" SET v = 1.5; INSERT INTO paused VALUES (1)});
    is( $n->safe_psql($db, q{SELECT string_agg(op || coalesce(new ->> 'name', ''), ' ') FROM schemakit.audit_history('users', '{"id": 3}')}),
        'Iann Uanna Uagain', "$name: the story goes on");
    is( $n->safe_psql($db, "SELECT DISTINCT rel_id FROM schemakit.audit_log WHERE table_name = 'public.users'"), $rel_id, "$name: under the same identity");
    is( $n->safe_psql($db, q{SELECT id, name, doc FROM schemakit.audit_as_of(NULL::users, (SELECT at FROM moment)) ORDER BY id}),
        qq(1|ann|{"a": 1}\n2|bob|null), "$name: the table as it was before the dump");
    is( $n->safe_psql($db, q{SELECT name FROM schemakit.audit_as_of(NULL::users, schemakit.audit_at('before')) ORDER BY id}), "ann\nbob", "$name: at a mark, too");
    is( $n->safe_psql($db, "SELECT table_name, op FROM schemakit.audit_changes('$position')"),
        qq(public.users|U\npublic.users|U\npublic."Odd ""Name"|U), "$name: only what is new is new");
    is( $n->safe_psql($db, 'SELECT count(*) FROM (SELECT FROM schemakit.audit_event WHERE txn_id > 0 GROUP BY txn_id, n HAVING count(*) > 1) AS twice'), '0', "$name: no number is given twice");
    is( $n->safe_psql($db, q{SELECT count(DISTINCT coalesce(old, new) ->> 'email') FROM schemakit.audit_log WHERE table_name = 'public.users' AND coalesce(old, new) ? 'email'}),
        '1', "$name: the same value has the same hash");
    # a dump has the rows of months that are over, and no indexes of theirs; a month that was just moved out of the default partition gets them the next time
    $n->safe_psql($db, 'SELECT count(*) FROM schemakit.audit_maintain()') for 1 .. 2;
    is( $n->safe_psql($db, q{SELECT relid::regclass, state, detail FROM schemakit.status() WHERE feature = 'audit' AND relid IS NOT NULL AND state NOT IN ('ok', 'disabled trigger')}), '', "$name: all is covered");
    return;
}

sub dump_text
{
    my ($n, $db) = @_;
    my ($text) = run_command([ 'pg_dump', '-p', $n->port, '-h', $n->host, $db ]);
    return join("\n", grep { !/^\\(un)?restrict/ } split(/\n/, $text));
}

my @from = ('-p', $node->port, '-h', $node->host);
my @to = ('-p', $other->port, '-h', $other->host);
my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @to);
my $before = log_of($node, 'source');
my $text = dump_text($node, 'source');
runs_clean([ 'pg_dump', @from, '-Fc', '-f', "$dir/custom", 'source' ], 'dump, custom');
runs_clean([ 'pg_dump', @from, '-Fd', '-j2', '-f', "$dir/dir", 'source' ], 'dump, directory');
runs_clean([ 'pg_dump', @from, '-f', "$dir/plain.sql", 'source' ], 'dump, plain');
runs_clean([ 'pg_dump', @from, '--load-via-partition-root', '--rows-per-insert=3', '-f', "$dir/root.sql", 'source' ],
    'dump, by INSERT through the partitioned tables');

my %restore = (
    'custom' => [ 'pg_restore', @to, '-e', '-d', 'target', "$dir/custom" ],
    'custom, 4 jobs' => [ 'pg_restore', @to, '-e', '-j4', '-d', 'target', "$dir/custom" ],
    'directory, 4 jobs' => [ 'pg_restore', @to, '-e', '-j4', '-d', 'target', "$dir/dir" ],
    'one transaction' => [ 'pg_restore', @to, '-1', '-d', 'target', "$dir/custom" ],
    'plain' => [ @psql, '-d', 'target', '-f', "$dir/plain.sql" ],
    'through the partitioned tables' => [ @psql, '-d', 'target', '-f', "$dir/root.sql" ]);
for my $way (sort keys %restore)
{
    $other->safe_psql('postgres', "DROP DATABASE IF EXISTS target");
    $other->safe_psql('postgres', "CREATE DATABASE target TEMPLATE template0");
    runs_clean($restore{$way}, "restore, $way");
    is(log_of($other, 'target'), $before, "the same log after restore, $way");
    is(dump_text($other, 'target'), $text, "the same dump after restore, $way");
}
my $old_position = $node->safe_psql('source', 'SELECT position FROM schemakit.audit_changes() LIMIT 1');
my ($rc, $none, $refusal) = $other->psql('target', "SELECT count(*) FROM schemakit.audit_changes('$old_position')");
like($refusal, qr/It is a position in another database/, 'a position in the database that was dumped is refused');
history_goes_on($other, 'target', 'after restore');
runs_clean([ 'pg_restore', @to, '-e', '--clean', '--if-exists', '-d', 'target', "$dir/custom" ], 'restore over itself, clean');
is(log_of($other, 'target'), $before, 'the same log after restore over itself');
history_goes_on($other, 'target', 'after restore over itself');
for my $way ('there is none', 'there is one')
{
    runs_clean([ 'pg_restore', @to, '-e', '-C', '--clean', '--if-exists', '-d', 'postgres', "$dir/custom" ], "restore of the database, $way");
    is(log_of($other, 'source'), $before, "the same log after restore of the database, $way");
}

# one table, into a database with a log of its own
$other->safe_psql('postgres', 'CREATE DATABASE live');
$other->safe_psql('live', q{CREATE EXTENSION schemakit; CREATE TABLE own (id int PRIMARY KEY, name text);
    SELECT schemakit.audit_enable('own'); INSERT INTO own VALUES (1, 'x')});
runs_clean([ 'pg_restore', @to, '-e', '-t', 'users', '-d', 'live', "$dir/custom" ], 'restore of one table');
runs_clean([ 'pg_dump', @from, '-t', 'users', '-f', "$dir/users.sql", 'source' ], 'dump of one table');
$other->safe_psql('live', 'DROP TABLE users');
runs_clean([ @psql, '-d', 'live', '-f', "$dir/users.sql" ], 'restore of its dump');
# the key of masked values is not in the dump of a table: they are not told at all then
$other->safe_psql('live', q{UPDATE users SET name = name || id, email = 'new' || id});
is( $other->safe_psql('live', q{SELECT op, old, new FROM schemakit.audit_log WHERE table_name = 'public.users' ORDER BY n}),
    qq(U|{"name": "bob", "email": null}|{"name": "bob2", "email": null}\nU|{"name": "anna", "email": null}|{"name": "anna3", "email": null}),
    'writes go on without the key of masked values');
is( $other->safe_psql('live', q{SELECT state FROM schemakit.status() WHERE relid = 'users'::regclass AND feature = 'audit'}), 'no key for hashes', 'and status says so');
$other->safe_psql('live', q{SELECT schemakit.audit_enable('users', mask => '{"email": "hash"}'); UPDATE users SET email = 'newer' || id; UPDATE own SET name = 'y'});
is( $other->safe_psql('live', q{SELECT table_name, op, length(new ->> 'email'), old ->> 'name' FROM schemakit.audit_log ORDER BY changed_at, txn_id, n}),
    qq(public.own|I||\npublic.users|U||bob\npublic.users|U||anna\npublic.users|U|32|\npublic.users|U|32|\npublic.own|U||x), 'a table from elsewhere does not get mixed up');
is( $other->safe_psql('live', q{SELECT state FROM schemakit.status() WHERE relid = 'users'::regclass AND feature = 'audit'}), 'ok', 'there is a key');

# dumps that leave the log out, or its events only: what was before is not told wrong
my $moment = $node->safe_psql('source', 'SELECT at FROM moment');
for my $way ([ 'events', "--exclude-table-data=schemakit.audit_event*" ], [ 'log', "--exclude-table-data=schemakit.*" ], [ 'data', '-s' ])
{
    my ($name, $option) = @$way;
    my $as_of = "SELECT * FROM schemakit.audit_as_of(NULL::users, '$moment')";
    my $detail = q{SELECT state, detail FROM schemakit.status() WHERE relid = 'users'::regclass AND feature = 'audit'};
    my ($status, $result, $message);

    $other->safe_psql('postgres', "CREATE DATABASE without_$name");
    runs_clean([ 'pg_dump', @from, $option, '-f', "$dir/without.sql", 'source' ], "dump without $name");
    runs_clean([ @psql, '-d', "without_$name", '-f', "$dir/without.sql" ], "its restore");
    $other->safe_psql("without_$name", q{INSERT INTO users VALUES (2, 'bob', 'null', 'a@x')}) if $option eq '-s';
    isnt($other->psql("without_$name", $as_of), 0, 'there is no past before a change') if $option ne '-s';
    like($other->safe_psql("without_$name", $detail), qr/complete from the next change on: .* was restored without/, 'and status says why') if $option ne '-s';
    $other->safe_psql("without_$name", q{UPDATE users SET name = 'after' WHERE id = 2});
    ($status, $result, $message) = $other->psql("without_$name", $as_of);
    like($message, qr/cannot determine the rows of table "users"/, 'nor after it');
    like($other->safe_psql("without_$name", $detail), qr/complete since .*, role \w+: .* was restored without/, 'status says since when');
    ($status, $result, $message) = $other->psql("without_$name", q{SELECT op FROM schemakit.audit_history('users', '{"id": 2}') LIMIT 1});
    like($message, qr/may not be complete.*was restored without/s, 'a notice with the history');
    is( $other->safe_psql("without_$name", q{SELECT name FROM schemakit.audit_as_of(NULL::users, clock_timestamp()) WHERE id = 2}),
        'after', 'there is a past from then on');
}

# a copy of the copy: the events of both databases, or of none
$other->safe_psql('target', q{UPDATE users SET name = 'bobby' WHERE id = 2});
for my $way ([ 'all', '-Fc' ], [ 'no_events', '-Fc', '--exclude-table-data=schemakit.audit_event*' ])
{
    my ($name, @options) = @$way;
    my ($status, $result, $message);

    $other->safe_psql('postgres', "CREATE DATABASE copy_$name");
    runs_clean([ 'pg_dump', @to, @options, '-f', "$dir/copy_$name", 'target' ], "dump of the copy, $name");
    runs_clean([ 'pg_restore', @to, '-e', '-d', "copy_$name", "$dir/copy_$name" ], 'its restore');
    ($status, $result, $message) = $other->psql("copy_$name", "SELECT string_agg(name, ' ' ORDER BY id) FROM schemakit.audit_as_of(NULL::users, '$moment')");
    is($result, $name eq 'all' ? 'ann bob' : '', 'the past, or none');
    unlike($message, qr/ERROR/, 'no error') if $name eq 'all';
    like($message, qr/was restored without the events/, 'or an error') if $name ne 'all';
}

# one table, put back in place, and under the name that another one had meanwhile
my $users = q{SELECT string_agg(table_name || op, ' ' ORDER BY changed_at, txn_id, n) FROM schemakit.audit_log WHERE rel_id = };
my $rel_id = $other->safe_psql('source', q{SELECT DISTINCT rel_id FROM schemakit.audit_shape WHERE table_name = 'users'});
$other->safe_psql('source', q{UPDATE users SET name = 'again' WHERE id = 3});
runs_clean([ 'pg_dump', @from, '-t', 'users', '--clean', '-f', "$dir/clean.sql", 'source' ], 'dump of one table, clean');
runs_clean([ @psql, '-d', 'source', '-f', "$dir/clean.sql" ], 'restore of one table in place');
$other->safe_psql('source', q{UPDATE users SET name = 'back' WHERE id = 3});
is( $other->safe_psql('source', q{SELECT string_agg(op || coalesce(new ->> 'name', ''), ' ') FROM schemakit.audit_history('users', '{"id": 3}')}),
    'Iann Uanna Uagain S S S Uback', 'the story goes on, and tells of the drop and of the trigger that was missing');
my ($rc2, $out, $err) = $other->psql('source', 'SELECT * FROM schemakit.audit_as_of(NULL::users, (SELECT at FROM moment))');
like($err, qr/dropped and created again/, 'what the table was before cannot be told');
$other->safe_psql('source', 'ALTER TABLE users RENAME TO renamed; ALTER INDEX users_pkey RENAME TO renamed_pkey');
runs_clean([ @psql, '-d', 'source', '-f', "$dir/users.sql" ], 'restore under a name that another table had');
$other->safe_psql('source', q{UPDATE renamed SET name = 'old' WHERE id = 2; UPDATE users SET name = 'new' WHERE id = 2});
is($other->safe_psql('source', "$users$rel_id"), 'public.usersI public.usersI public.usersU public.usersU public.usersS public.usersS public.usersS public.usersU public.renamedU', 'the renamed one keeps its story');
is( $other->safe_psql('source', q{SELECT string_agg(new ->> 'name', ' ') FROM schemakit.audit_history('users', '{"id": 2}')}),
    'new', 'the restored one gets its own');

# a dump that is taken while everybody writes
$node->safe_psql('postgres', 'CREATE DATABASE busy');
$node->safe_psql('busy', q{CREATE EXTENSION schemakit; CREATE TABLE t (id bigserial PRIMARY KEY); SELECT schemakit.audit_enable('t')});
append_to_file("$dir/write.sql", "INSERT INTO t DEFAULT VALUES;\nBEGIN;\nINSERT INTO t DEFAULT VALUES;\nINSERT INTO t DEFAULT VALUES;\nEND;\n");
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 60, '-f', "$dir/write.sql", @from, 'busy' ], '>', \my $o, '2>', \my $e);
$node->poll_query_until('busy', 'SELECT count(*) > 100 FROM schemakit.audit_event') or die 'nobody writes';
runs_clean([ 'pg_dump', @from, '-Fd', '-j2', '-f', "$dir/busy", 'busy' ], 'dump under load');
$load->signal('TERM');
$load->finish;
$other->safe_psql('postgres', 'CREATE DATABASE busy');
runs_clean([ 'pg_restore', @to, '-e', '-j4', '-d', 'busy', "$dir/busy" ], 'restore of it');
is( $other->safe_psql('busy', q{SELECT (SELECT count(*) FROM t) = (SELECT count(*) FROM schemakit.audit_log WHERE pid IS NOT NULL)}),
    't', 'each row has its event, and each event its transaction');
is( $other->safe_psql('busy', q{INSERT INTO t DEFAULT VALUES; SELECT count(*) FROM (SELECT FROM schemakit.audit_event GROUP BY txn_id, n HAVING count(*) > 1) AS twice}),
    '0', 'no number is given twice');

# who may dump it
$node->safe_psql('source', 'CREATE ROLE dumper LOGIN; GRANT CONNECT ON DATABASE source TO dumper; GRANT SELECT ON ALL TABLES IN SCHEMA public TO dumper');
my @as = ('pg_dump', @from, '-U', 'dumper', '-f', "$dir/dumper.sql");
command_fails_like([ @as, 'source' ], qr/permission denied for (table|sequence) audit/, 'a dump needs the right to read the log');
$node->safe_psql('source', 'GRANT pg_read_all_data TO dumper');
runs_clean([ @as, 'source' ], 'as pg_read_all_data gives');

# pg_upgrade
my $bindir = $node->config_data('--bindir');
$node->stop;
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
chdir($new->basedir) or die;
command_ok(
    [   'pg_upgrade', '--no-sync', '--link', '-d', $node->data_dir, '-D', $new->data_dir,
        '-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $node->port, '-P', $new->port ],
    'pg_upgrade');
$new->start;
is(log_of($new, 'source'), $before, 'the same log after pg_upgrade');
history_goes_on($new, 'source', 'after pg_upgrade');

$_->stop for $new, $other;
done_testing();
