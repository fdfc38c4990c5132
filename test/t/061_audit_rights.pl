# Who reads the history of a table, in a database that was restored from a dump: rights
# that were granted come along by name, and nobody gets what was another owner's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->start;
my $dir = $node->basedir;
my @to = ('-p', $node->port, '-h', $node->host);
my ($out, $err);

$node->safe_psql('postgres', <<'END');
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE carol LOGIN;
CREATE ROLE mallory LOGIN;
CREATE DATABASE shop;
END
$node->safe_psql('shop', <<'END');
CREATE EXTENSION schemakit;
CREATE SCHEMA app AUTHORIZATION alice;
GRANT USAGE ON SCHEMA app TO PUBLIC;
SET ROLE alice;
CREATE TABLE app.pay (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('app.pay');
INSERT INTO app.pay VALUES (1, 'secret');
DELETE FROM app.pay;
GRANT SELECT ON app.pay TO bob, carol;
SELECT schemakit.audit_grant('app.pay', 'bob');
SELECT schemakit.audit_grant('app.pay', 'carol');
RESET ROLE;
ALTER TABLE app.pay RENAME TO salaries;
SELECT schemakit.audit_retain('app.salaries', '10 years');
SELECT schemakit.audit_hold('app.salaries', '{"id": 1}', 'case 17');
CREATE SCHEMA archive;
ALTER ROLE bob RENAME TO robert;
END
$node->run_log([ 'pg_dump', '-Fc', '-f', "$dir/shop.dump", @to, 'shop' ]);
$node->run_log([ 'pg_dump', '-Fc', '-O', '-f', "$dir/bare.dump", @to, 'shop' ]);

sub restored
{
	my ($database, @options) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	return run_command([ 'pg_restore', @options, '-d', $database, @to ]);
}

sub history
{
	my ($database, $role) = @_;
	my (undef, $out, $err) = $node->psql($database, "SELECT string_agg(op, '') FROM schemakit.audit_history('app.salaries', '{\"id\": 1}') WHERE op <> 'S'",
		extra_params => [ '-U', $role ]);
	return $out . ($err =~ /ERROR:\s+(.*)/ ? $1 : '');
}
my $refused = 'permission denied for the history of table "salaries"';

is(history('shop', 'alice'), 'ID', 'the owner reads the history');
is(history('shop', 'robert'), 'ID', 'and to whom he granted it');
is(history('shop', 'mallory'), $refused, 'nobody else');

($out, $err) = restored('same', "$dir/shop.dump");
is($err, '', 'a dump is restored');
is(history('same', 'alice'), 'ID', 'restored: the owner reads the history');
is(history('same', 'robert'), 'ID', 'restored: and to whom it was granted');
is($node->safe_psql('same', q{SELECT relid, role, state FROM schemakit.audit_readers() ORDER BY role::text}),
	"app.salaries|carol|ok\napp.salaries|robert|ok", 'restored: it is listed');
is($node->safe_psql('same', 'SELECT count(*) FROM schemakit.audit_reader JOIN pg_class AS c ON c.oid = relid'), '2', 'restored: by the OIDs of now');
is($node->safe_psql('same', 'SELECT retain FROM schemakit.audit_retained'), '10 years', 'restored: how long events are kept');
is($node->safe_psql('same', q{SELECT key, reason FROM schemakit.audit_holds}), '{"id": 1}|case 17', 'restored: what is held');
$node->safe_psql('same', q{SELECT schemakit.audit_retain('app.salaries', '0 seconds', force => true); SELECT schemakit.audit_maintain()});
is(history('same', 'alice'), 'ID', 'restored: what is held is not removed');
is($node->safe_psql('same', q{SELECT schemakit.audit_release('app.salaries', '{"id": 1}')}), '1', 'restored: it is released');
$node->safe_psql('same', 'SELECT schemakit.audit_maintain()');
is(history('same', 'alice'), '', 'restored: and then removed');
$node->safe_psql('same', 'DROP TABLE app.salaries');
is($node->safe_psql('same', 'SELECT count(*) FROM schemakit.audit_reader'), '0', 'it goes with the table');

# on a standby
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
is($standby->safe_psql('shop', q{SELECT string_agg(op, '') FROM schemakit.audit_history('app.salaries', '{"id": 1}')}, extra_params => [ '-U', 'robert' ]), 'ID',
	'a standby tells the same');
$standby->psql('shop', q{SELECT schemakit.audit_grant('app.salaries', 'mallory')}, stderr => \$err);
like($err, qr/cannot execute INSERT in a read-only transaction/, 'nothing is granted there');
is($standby->safe_psql('shop', 'SELECT count(*) FROM schemakit.audit_readers()'), '2', 'it lists what was granted');
$standby->stop;

# the server crashes while maintenance is under way
$node->safe_psql('shop', <<'END');
SELECT schemakit.audit_release('app.salaries', NULL), schemakit.audit_release('app.salaries', '{"id": 1}'), schemakit.audit_retain('app.salaries', NULL);
CREATE TABLE app.other (id int PRIMARY KEY);
SELECT schemakit.audit_enable('app.other');
SET schemakit.audit_writable = on;
UPDATE schemakit.audit_event SET at = at - interval '3 years', changed_at = changed_at - interval '3 years';
UPDATE schemakit.audit_shape SET recorded_at = recorded_at - interval '3 years';
SELECT schemakit.audit_maintain();
END
my $before = $node->safe_psql('shop', q{SELECT string_agg(l::text, ';' ORDER BY n) FROM schemakit.audit_log AS l});
for my $how (q{retain => '1 year'}, q{retain => '1 year', archive => 'archive'}, '')
{
	$node->safe_psql('shop', q{SELECT schemakit.audit_retain('app.salaries', '1 month')}) if $how eq '';
	my $session = $node->background_psql('shop', on_error_stop => 0);
	my $done = ref $session eq 'HASH' ? undef : eval { $session->query("BEGIN; SELECT * FROM schemakit.audit_maintain($how)") };
	$node->stop('immediate');
	eval { $session->quit };
	$node->start;
	is($node->safe_psql('shop', q{SELECT string_agg(l::text, ';' ORDER BY n) FROM schemakit.audit_log AS l}), $before, "a crash in audit_maintain($how) leaves all events");
	is($node->safe_psql('shop', 'SELECT count(*) FROM schemakit.audit_retention'), '0', 'and nothing is recorded');
}
is($node->safe_psql('shop', q{SELECT action FROM schemakit.audit_maintain(premake => '0') WHERE action ~ 'deleted'}), 'rows deleted: 2', 'then it is done');
is(history('shop', 'alice'), '', 'and the events are gone');

# a role that is not there
$node->safe_psql('shop', 'DROP OWNED BY carol');
$node->safe_psql($_, 'DROP OWNED BY carol') for qw(same);
$node->safe_psql('postgres', 'DROP ROLE carol');
($out, $err) = restored('without', "$dir/shop.dump");
unlike($err, qr/errors ignored on restore: [2-9]|audit_reader/, 'what GRANT cannot restore is the only error');
like(slurp_file($node->logfile), qr/WARNING:  could not restore the right to read the history of table app\.salaries for role "carol"/, 'there is a warning');
is($node->safe_psql('without', q{SELECT role FROM schemakit.audit_readers()}), 'robert', 'others are restored');

# the table is restored as another one's
$node->safe_psql($_, 'REASSIGN OWNED BY alice TO postgres; DROP OWNED BY alice') for qw(same without);
$node->safe_psql('postgres', 'CREATE DATABASE taken');
$node->safe_psql('taken', 'GRANT CREATE ON DATABASE taken TO mallory');
run_command([ 'pg_restore', '-O', '-d', 'taken', @to, "$dir/bare.dump" ]);
$node->safe_psql('taken', 'ALTER TABLE app.salaries OWNER TO mallory; GRANT USAGE ON SCHEMA app TO mallory');
is(history('taken', 'mallory'), $refused, 'a table that is restored as that of another owner');
$node->safe_psql('taken', q{GRANT SELECT ON schemakit.audit_log TO mallory; SET ROLE mallory; SELECT schemakit.audit_grant('app.salaries', 'robert'); GRANT SELECT ON app.salaries TO robert;
	RESET ROLE; REVOKE SELECT ON schemakit.audit_log FROM mallory; GRANT USAGE ON SCHEMA app TO robert});
is(history('taken', 'mallory'), $refused, 'he does not read what was before');
is(history('taken', 'robert'), 'ID', 'those do to whom it was granted by one who reads the log');
$node->safe_psql('taken', q{SELECT schemakit.audit_grant('app.salaries', 'mallory')});
is(history('taken', 'mallory'), 'ID', 'also the owner');
$node->safe_psql('postgres', 'CREATE DATABASE lost');
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE lost TO mallory');
# without its table, and without its owner
$node->safe_psql('shop', 'REASSIGN OWNED BY alice TO postgres; DROP OWNED BY alice');
$node->safe_psql('postgres', 'DROP ROLE alice');
my $list = join '', grep { !/ app | SCHEMA - app|TABLE app/ } split /^/, (run_command([ 'pg_restore', '-l', "$dir/bare.dump" ]))[0];
append_to_file("$dir/list", $list);
run_command([ 'pg_restore', '-O', '-L', "$dir/list", '-d', 'lost', @to, "$dir/bare.dump" ]);
is($node->safe_psql('lost', q{SELECT string_agg(op, '' ORDER BY n) FROM schemakit.audit_log}), 'ID', 'the log is restored without the table');
$node->safe_psql('lost', <<'END');
SET ROLE mallory;
CREATE SCHEMA app;
CREATE TABLE app.salaries (id int PRIMARY KEY, v text);
SELECT schemakit.audit_enable('app.salaries');
INSERT INTO app.salaries VALUES (2, 'mine');
END
is(history('lost', 'mallory'), $refused, 'whoever makes a table of that name does not read what was before');
($out, $err) = ('', '');
$node->psql('lost', q{SELECT * FROM schemakit.audit_as_of(NULL::app.salaries, '2020-01-01')}, stderr => \$err, extra_params => [ '-U', 'mallory' ]);
like($err, qr/DETAIL:  It comes from a database in which the table belonged to role "alice"/, 'nor as of a time');
is(history('lost', $node->safe_psql('postgres', 'SELECT current_user')), 'ID', 'who reads the log does');

done_testing();
