# What the test of faults shares: a database with all features on, load on it,
# and what must hold in it whatever has happened.
package Faults;
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(oracle new_database script pgbench committed holds follows_rules remember contents leaves forget_months
  new_lock_database enabled ddl transaction);

# The replay of test 060, which knows nothing but the log's tables, for the
# tables of the view "audited" and the events of the view "relevant".
sub oracle
{
	my ($sql) = slurp_file("$FindBin::RealBin/lib/audit_oracle.sql") =~ /^(CREATE TABLE replayed.*)/ms;
	$sql =~ s/'altered'::regclass/0::regclass/g;
	$sql =~ s/FROM schemakit\.audit_event v\b/FROM relevant v/ or die 'replay() reads something else';
	return $sql;
}

my $schema = <<'S';
CREATE EXTENSION schemakit;
CREATE TABLE done (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), actor text);
CREATE TABLE parents (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, name text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE children (id bigserial PRIMARY KEY, parent int NOT NULL REFERENCES parents ON DELETE CASCADE, n int NOT NULL DEFAULT 0, name text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE plain (id bigserial PRIMARY KEY, p int, n int NOT NULL DEFAULT 0, name text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE INDEX ON children (parent);
CREATE INDEX ON plain (p);
SELECT schemakit.soft_delete_enable(t), schemakit.audit_enable(t) FROM unnest('{parents,children}'::regclass[]) AS t;
SELECT schemakit.audit_enable('plain');
-- Rules for what is made later, and advice that nobody has followed.
SELECT schemakit.auto_enable('audit', 'public', 'later%', '{"mask": {"email": "hash:later", "ssn": "null"}, "exclude": ["note"]}'),
    schemakit.auto_enable('soft_delete', 'public', 'later%'), schemakit.auto_enable('timestamps', 'public', 'later%', '{"col": "at"}');
CREATE TABLE looked_up (id int PRIMARY KEY, owner int NOT NULL);
CREATE INDEX once ON looked_up (id, owner);
CREATE INDEX twice ON looked_up (id, owner);
INSERT INTO looked_up SELECT i, i / 10 FROM generate_series(1, 3000) AS i;
ANALYZE looked_up;
SET client_min_messages = warning;
SELECT schemakit.index_advice_record();
CREATE VIEW audited AS SELECT unnest('{parents,children,plain}'::regclass[]) AS rel;
CREATE VIEW relevant AS SELECT * FROM schemakit.audit_event;
CREATE VIEW stamps AS SELECT n, created_at, updated_at FROM parents UNION ALL SELECT n, created_at, updated_at FROM children
    UNION ALL SELECT n, created_at, updated_at FROM plain;
BEGIN;
INSERT INTO done DEFAULT VALUES;
INSERT INTO parents (id, name) SELECT i, 'there' FROM generate_series(1, 60) AS i;
COMMIT;
S

sub new_database
{
	my ($node, $db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, $schema);
	$node->safe_psql($db, oracle());
	return;
}

# A transaction of the load.  Each works on one parent and what belongs to it, and
# locks that first, so that none of them fails in a deadlock.
my $changes = <<'S';
INSERT INTO children_live (parent, name) SELECT id, 'NAME' FROM parents_live, generate_series(1, 2) WHERE id = :p;
UPDATE children_live SET n = n + 1 WHERE parent = :p AND id % 2 = 0;
INSERT INTO plain (p, name) VALUES (:p, 'NAME'), (:p, 'NAME');
UPDATE plain SET n = n + 1, p = -p WHERE p = :p AND id % 3 = 0;
DELETE FROM plain WHERE p = -:p AND n > 0;
\if :how < 20
DELETE FROM parents_live WHERE id = :p;
\elif :how < 60
UPDATE parents SET deleted_at = NULL WHERE id = :p;
\elif :how < 80
DELETE FROM children WHERE parent = :p AND id % 2 = 0;
\else
UPDATE parents_live SET n = n + 1, name = 'NAME' WHERE id = :p;
\endif
S

# Writes the script of a transaction; "actor" is SQL that says who acts.
sub script
{
	my ($node, $name, %param) = @_;
	my $file = $node->basedir . "/$name.sql";
	my ($actor, $end) = ($param{actor} // '', $param{end} // 'COMMIT');
	my $kept = $changes =~ s/NAME/$end eq 'COMMIT' ? 'kept' : 'undone'/egr;
	my $undone = $changes =~ s/NAME/undone/gr;
	append_to_file($file, <<"S");
\\set p random(1, 60)
\\set how random(0, 99)
\\set r random(0, 1000000000)
BEGIN;
$actor
INSERT INTO done (actor) VALUES (nullif(current_setting('schemakit.audit_actor', true), ''));
SELECT 1 FROM parents WHERE id = :p FOR UPDATE;
INSERT INTO plain (p, name) VALUES (:p, 'kept');
SAVEPOINT one;
$undone
ROLLBACK TO one;
SAVEPOINT two;
$kept
RELEASE two;
$end;
S
	return $file;
}

# Starts pgbench; what it prints goes to a file each.
sub pgbench
{
	my ($node, $db, @options) = @_;
	my $dir = $node->basedir;
	return IPC::Run::start([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, @options, $db ], '>', "$dir/bench.out", '2>', "$dir/bench.err");
}

# How many transactions of the nth script have ended, by what pgbench was told.
sub committed
{
	my ($node, $n) = @_;
	my $said = slurp_file($node->basedir . '/bench.out');
	my ($count) = $said =~ /^SQL script $n:(?:(?!^SQL script).)*?- (\d+) transactions/ms;
	# of a single script it tells no more than of all
	($count) = $said =~ /^number of transactions actually processed: (\d+)/m if !defined $count && $n == 1 && $said !~ /^SQL script/m;
	die "pgbench does not tell of script $n: $said" unless defined $count;
	return $count;
}

# A copy of all tables, for audit_as_of() later.  Load waits meanwhile, at the
# beginning of its transactions: copies of several tables are of one moment then.
sub remember
{
	my ($node, $db, $n) = @_;
	return $node->safe_psql($db, "BEGIN; LOCK TABLE done IN SHARE MODE; SELECT remember($n); COMMIT");
}

# Changes when any row does.
sub contents
{
	my ($node, $db) = @_;
	return $node->safe_psql($db, join ' UNION ALL ', map { "SELECT '$_', count(*), sum(hashtextextended(t::text, 0)) FROM $_ AS t" } 'parents', 'children', 'plain');
}

# What must hold whenever no transaction is running.
sub holds
{
	my ($node, $db, $when) = @_;
	my $events = $node->safe_psql($db, 'SELECT replay()');
	is($node->safe_psql($db, 'SELECT rel, d FROM audited, differences(rel) AS d'), '', "$when: the log gives every table ($events events)");
	my $moments = $node->safe_psql($db, 'SELECT count(*) FROM moments');
	is( $node->safe_psql($db, 'SELECT count(*) > 0 FROM moments; SELECT n, rel, d FROM moments, audited, as_of_differences(n, rel) AS d'),
		't', "$when: audit_as_of() gives every table as it was ($moments moments)");
	is( $node->safe_psql($db, q{WITH logged AS (SELECT DISTINCT xid FROM schemakit.audit_log)
			SELECT (SELECT count(*) FROM schemakit.audit_log AS l WHERE op <> 'S' AND NOT EXISTS (SELECT FROM done AS d WHERE d.xid = l.xid)),
			(SELECT count(*) FROM done AS d WHERE NOT EXISTS (SELECT FROM logged AS l WHERE l.xid = d.xid)),
			(SELECT count(*) FROM schemakit.audit_log WHERE new ->> 'name' = 'undone'),
			(SELECT count(*) FROM schemakit.audit_event AS e WHERE NOT EXISTS (SELECT FROM schemakit.audit_event AS c
				WHERE c.txn_id = e.txn_id AND c.at = e.at AND c.n = e.carrier AND c.role IS NOT NULL)),
			(SELECT count(*) FROM (SELECT FROM schemakit.audit_event GROUP BY txn_id, n HAVING count(*) > 1) AS twice)}),
		'0|0|0|0|0', "$when: all transactions that were committed are in the log, and no others");
	is( $node->safe_psql($db, q{SELECT count(*) FROM stamps WHERE updated_at IS NULL OR updated_at < created_at OR n > 0 AND updated_at = created_at}),
		'0', "$when: every row's updated_at suits it");
	is( $node->safe_psql($db, q{SELECT count(*) FROM children AS c JOIN parents AS p ON p.id = c.parent
			WHERE c.deleted_at IS NULL AND p.deleted_at IS NOT NULL}),
		'0', "$when: no live child has a deleted parent");
	is($node->safe_psql($db, q{SELECT * FROM schemakit.status() WHERE state <> 'ok'}), '', "$when: status() finds no fault");
	is( $node->safe_psql($db, q{SELECT string_agg(concat_ws(' ', id, feature, schemas, tables, options, enabled), ', ' ORDER BY id) FROM schemakit.auto_rule;
			SELECT action, steps, status FROM schemakit.index_advice WHERE table_name = 'looked_up'}),
		join(', ', '1 timestamps % % {} t', '2 audit public later% {"mask": {"ssn": "null", "email": "hash:later"}, "exclude": ["note"]} t',
			'3 soft_delete public later% {} t', '4 timestamps public later% {"col": "at"} t') . "\ndrop|{\"DROP INDEX CONCURRENTLY public.twice\"}|open",
		"$when: rules and advice are what they were");
	return;
}

# A table that is made now, as the rules would have it; returns the hash that the log
# has in place of a value.
sub follows_rules
{
	my ($node, $db, $table, $when) = @_;
	$node->safe_psql($db, qq{BEGIN; INSERT INTO done DEFAULT VALUES;
		CREATE TABLE $table (id int PRIMARY KEY, n int, email text, ssn text, note text, at timestamptz DEFAULT '2000-01-01', deleted_at timestamptz);
		INSERT INTO $table VALUES (1, 0, 'ann\@example.com', '078-05', 'hidden'), (2, 0, 'ann\@example.com', '078-05', 'hidden');
		UPDATE ${table}_live SET n = 1, ssn = '219-09', note = 'hidden, too' WHERE id = 1;
		DELETE FROM ${table}_live WHERE id = 2;
		COMMIT});
	is($node->safe_psql($db, qq{SELECT feature, state FROM schemakit.status() WHERE relid = '$table'::regclass ORDER BY feature}),
		"audit|ok\nsoft_delete|ok\ntimestamps|ok", "$when: rules attach to a new table");
	is($node->safe_psql($db, qq{SELECT id, n, at > '2020-01-01', deleted_at IS NULL, id IN (SELECT id FROM ${table}_live) FROM $table ORDER BY id}),
		"1|1|t|t|t\n2|0|t|f|f", "$when: which is maintained, and whose rows are deleted softly");
	is( $node->safe_psql($db, qq{SELECT op, key ->> 'id', old - 'at' - 'deleted_at', new - 'at' - 'deleted_at' - 'email', new ->> 'email' ~ '^[0-9a-f]{32}\$',
			new ->> 'deleted_at' > '2020', l::text ~ 'hidden|078-05|219-09|ann' FROM schemakit.audit_log AS l WHERE table_name = 'public.$table' ORDER BY n}),
		join("\n", 'I|1||{"n": 0, "id": 1, "ssn": null}|t||f', 'I|2||{"n": 0, "id": 2, "ssn": null}|t||f',
			'U|1|{"n": 0, "ssn": null}|{"n": 1, "ssn": null}|||f', 'U|2|{}|{}||t|f'),
		"$when: and recorded, but for what may not be told");
	return $node->safe_psql($db, qq{SELECT DISTINCT new ->> 'email' FROM schemakit.audit_log WHERE table_name = 'public.$table' AND op = 'I'});
}

# The partitions of the audit log.
sub leaves
{
	my ($node, $db) = @_;
	return split /\n/, $node->safe_psql($db, q{SELECT inhrelid::regclass FROM pg_inherits
		WHERE inhparent = 'schemakit.audit_event'::regclass ORDER BY inhrelid::regclass::text});
}

# As if no month had been made: all events are in the default partition.
sub forget_months
{
	my ($node, $db) = @_;
	$node->safe_psql($db, q{SET schemakit.audit_writable = on; DO $$DECLARE leaf regclass; parent regclass; BEGIN
		FOR leaf, parent IN SELECT inhrelid, inhparent FROM pg_inherits
			WHERE inhparent = 'schemakit.audit_event'::regclass AND inhrelid::regclass::text !~ 'default' LOOP
			EXECUTE format('ALTER TABLE %1$s DETACH PARTITION %2$s; INSERT INTO %1$s SELECT * FROM %2$s; ALTER EXTENSION schemakit DROP TABLE %2$s; DROP TABLE %2$s', parent, leaf);
		END LOOP; END$$});
	return;
}

# The database in which sessions get in each other's way: tables that are altered,
# made and dropped, audited and not.
my $lock_schema = <<'S';
CREATE EXTENSION schemakit;
SELECT schemakit.auto_enable('audit', 'public', 'w\_%');
CREATE TABLE marks (n bigserial PRIMARY KEY, id int NOT NULL);
CREATE TABLE w_parent (id int PRIMARY KEY, n int, updated_at timestamptz DEFAULT now());
CREATE TABLE w_child (id int PRIMARY KEY, n int, updated_at timestamptz DEFAULT now(), parent int REFERENCES w_parent ON DELETE CASCADE);
CREATE TABLE w_flat (id int PRIMARY KEY, n int, updated_at timestamptz DEFAULT now());
SELECT schemakit.soft_delete_enable('w_parent'), schemakit.soft_delete_enable('w_child');
CREATE VIEW audited AS SELECT relid AS rel FROM schemakit.status() WHERE feature = 'audit' AND state = 'ok';
-- What is audited after it was not begins with a baseline and a mark.
CREATE VIEW begins AS SELECT DISTINCT ON (s.rel_id) s.rel_id, e.txn_id, e.changed_at
	FROM marks AS m JOIN schemakit.audit_event AS e ON e.op = 'I' AND e.key = jsonb_build_object('id', m.id) JOIN schemakit.audit_shape AS s USING (shape_id)
	ORDER BY s.rel_id, m.n DESC;
CREATE VIEW relevant AS SELECT e.* FROM schemakit.audit_event AS e JOIN schemakit.audit_shape AS s USING (shape_id) LEFT JOIN begins AS b USING (rel_id)
	WHERE b IS NULL OR e.txn_id = b.txn_id OR e.changed_at > b.changed_at;
S

sub new_lock_database
{
	my ($node, $db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, $lock_schema);
	$node->safe_psql($db, oracle());
	return;
}

sub one_of { return $_[rand @_]; }

# A table that is audited from now on, with the mark that tells so.
my $mark = 1_000_000;

sub enabled
{
	my ($table, $how) = @_;
	$mark++;
	return "BEGIN \\; $how \\; INSERT INTO $table (id, n) VALUES ($mark, 0) \\; INSERT INTO marks (id) VALUES ($mark) \\; COMMIT;";
}

# Statements that get in each other's way.
sub change
{
	my $table = one_of('w_parent', 'w_parent', 'w_child', 'w_child', 'w_flat', 'w_new1', 'w_new2');
	my ($i, $k) = (1 + int(rand(300)), int(rand(20)));
	return one_of(
		"INSERT INTO $table (id, n) VALUES ($i, $k) ON CONFLICT (id) DO UPDATE SET n = $table.n + 1",
		"INSERT INTO w_child (id, n, parent) SELECT $i, $k, id FROM w_parent WHERE id % 20 = $k LIMIT 1 ON CONFLICT (id) DO UPDATE SET parent = excluded.parent",
		"UPDATE $table SET n = n + 1 WHERE id % 20 = $k",
		"UPDATE $table SET c" . $k % 3 . " = $i WHERE id % 20 = $k",
		"DELETE FROM $table WHERE id = $i",
		"DELETE FROM w_parent_live WHERE id % 20 = $k",
		"UPDATE w_parent SET deleted_at = NULL WHERE id % 20 = $k",
		"INSERT INTO w_parent_live (id, n) VALUES ($i, $k) ON CONFLICT (id) DO NOTHING");
}

sub ddl
{
	my $table = one_of('w_parent', 'w_child', 'w_flat', 'w_flat', 'w_new1', 'w_new2');
	my $new = one_of('w_new1', 'w_new2');
	my $c = 'c' . int(rand(3));
	return one_of(
		"SELECT schemakit.audit_disable('$table');",
		enabled($table, "SELECT schemakit.audit_enable('$table', baseline => true)"),
		enabled($table, "SELECT schemakit.audit_enable('$table', baseline => true)"),
		"ALTER TABLE $table ADD COLUMN IF NOT EXISTS $c int;",
		"ALTER TABLE $table DROP COLUMN IF EXISTS $c;",
		enabled($new, "CREATE TABLE $new (id int PRIMARY KEY, n int, updated_at timestamptz DEFAULT now())"),
		enabled($new, "CREATE TABLE $new (id int PRIMARY KEY, n int, updated_at timestamptz DEFAULT now())"),
		"DROP TABLE IF EXISTS $new;",
		"SELECT schemakit.soft_delete_enable('$table');",
		"SELECT schemakit.soft_delete_enable('$table');",
		"SELECT schemakit.soft_delete_disable('$table');",
		"SELECT count(*) FROM schemakit.status();");
}

# Some hold their locks while others want them.
sub transaction
{
	return join(' \\; ', 'BEGIN', change(), 'SAVEPOINT one', change(), 'ROLLBACK TO one', change(), one_of('SELECT pg_sleep(0.02)', change()),
		one_of('COMMIT', 'COMMIT', 'ROLLBACK')) . ';';
}

1;
