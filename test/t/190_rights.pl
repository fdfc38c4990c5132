# Whose code runs as whom.  Everything that schemakit does is done for somebody, and
# somebody else may have written what it meets on the way: objects on the search_path that
# go by the server's names, and the expressions, types and triggers of tables.  All features
# are used as a superuser, as an owner, and by the attacker; nobody's code may run as
# anybody else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Rights;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Where the attacker's code still runs as somebody else; to become empty.
my %expected = map { $_ => 1 } ();

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'END');
autovacuum = off
jit = off
max_locks_per_transaction = 1000
shared_preload_libraries = 'pg_stat_statements'
END
$node->start;
my $dba = $node->safe_psql('postgres', <<'END');
CREATE ROLE attacker LOGIN;
CREATE ROLE other LOGIN;
CREATE ROLE reader LOGIN;
SELECT current_user;
END

# Runs a script as that role, statement by statement, whatever fails; returns what failed.
sub as
{
	my ($role, $database, $sql) = @_;
	my ($code, $out, $err) = $node->psql($database, $sql, on_error_stop => 0, extra_params => [ '-U', $role ]);
	note(join "\n", grep { !/NOTICE/ } split /\n/, $err) if $err;
	return wantarray ? ($out, $err) : $out;
}

sub log_end { return -s $node->logfile }

# What of the attacker's was run since then as somebody else?
sub by_others
{
	my ($from) = @_;
	my $ran = ran($node, $from);
	return grep { !/ as attacker in / } sort keys %$ran;
}

sub nothing_by_others
{
	my ($from, $what) = @_;
	my @found = by_others($from);
	my @known = grep { / in (\w+)\(\)$/ && $expected{$1} } @found;
	my %known = map { $_ => 1 } @known;
	is(join("\n", grep { !$known{$_} } @found), '', "$what: nothing of the attacker's runs as another");
	note("$what, expected: $_") for @known;
}

# The first lines that only one of two texts has
sub difference
{
	my ($one, $two) = @_;
	my %lines;
	$lines{$_}++ for split /\n/, $one;
	$lines{$_}-- for split /\n/, $two;
	my @lines = map { ($lines{$_} > 0 ? '+ ' : '- ') . $_ } grep { $lines{$_} } sort keys %lines;
	return join "\n", splice(@lines, 0, 5), @lines ? scalar(@lines) . ' more' : ();
}

# ---- default privileges
sub privileges
{
	my ($database) = @_;
	return $node->safe_psql($database, <<'END');
SELECT kind, name, coalesce(r.rolname, 'PUBLIC'), a.privilege_type, a.is_grantable FROM (
	SELECT 'relation', c.oid::regclass::text, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) FROM pg_class c WHERE relnamespace = 'schemakit'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
	UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, attacl FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'schemakit'::regnamespace AND attacl IS NOT NULL
	UNION ALL SELECT 'function', p.oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc p WHERE pronamespace = 'schemakit'::regnamespace
	UNION ALL SELECT 'schema', nspname, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE nspname = 'schemakit'
	UNION ALL SELECT 'type', t.oid::regtype::text, coalesce(typacl, acldefault('T', typowner)) FROM pg_type t WHERE typnamespace = 'schemakit'::regnamespace
	UNION ALL SELECT 'initial', objoid::regclass || ' ' || objsubid, initprivs FROM pg_init_privs JOIN pg_class c ON c.oid = objoid WHERE relnamespace = 'schemakit'::regnamespace
	) AS o (kind, name, acl) CROSS JOIN LATERAL aclexplode(acl) AS a LEFT JOIN pg_roles r ON r.oid = a.grantee
	ORDER BY 1, 2, 4, 5;
END
}
$node->safe_psql('postgres', 'CREATE DATABASE normal; CREATE DATABASE defaults; CREATE DATABASE taken');
my @kinds = qw(TABLES SEQUENCES FUNCTIONS TYPES SCHEMAS);
$node->safe_psql('defaults', join ';', map { ("ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO other WITH GRANT OPTION", "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO PUBLIC", "ALTER DEFAULT PRIVILEGES GRANT ALL ON $_ TO \"$dba\" WITH GRANT OPTION") } @kinds);
$node->safe_psql('taken', join ';', map { ("ALTER DEFAULT PRIVILEGES REVOKE ALL ON $_ FROM PUBLIC", "ALTER DEFAULT PRIVILEGES REVOKE ALL ON $_ FROM \"$dba\"", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader") } @kinds);
$node->safe_psql($_, 'CREATE EXTENSION schemakit') for qw(normal defaults taken);
# and for what is made later, in the schema itself
$node->safe_psql($_, join ';', map { "ALTER DEFAULT PRIVILEGES IN SCHEMA schemakit GRANT ALL ON $_ TO other" } grep { $_ ne 'SCHEMAS' } @kinds) for qw(defaults taken);
$node->safe_psql($_, <<'END') for qw(normal defaults taken);
CREATE TABLE kept (id int PRIMARY KEY, deleted_at timestamptz);
REVOKE ALL ON kept FROM PUBLIC, other, reader;
SELECT schemakit.audit_enable('kept', mask => '{"deleted_at": "hash"}');
SELECT schemakit.soft_delete_enable('kept');
SELECT * FROM schemakit.audit_maintain(premake => '11 months');
END
my $normal = privileges('normal');
ok($normal =~ /relation\|schemakit\.audit_event_p\d/, 'there are partitions, with privileges');
is(difference(privileges('defaults'), $normal), '', 'default privileges give nothing');
is(difference(privileges('taken'), $normal), '', 'default privileges take nothing away');
is($node->safe_psql($_, q{SELECT has_table_privilege('other', 'kept_live', 'SELECT'), has_table_privilege('reader', 'kept_live', 'SELECT')}), 'f|f',
	"$_: nor on a view of live rows") for qw(normal defaults taken);
is($node->safe_psql('defaults', q{SELECT string_agg(r, ',') FROM unnest('{other,reader,attacker}'::text[]) AS r WHERE has_table_privilege(r, 'schemakit.audit_secret', 'SELECT')}), '',
	'nobody reads the key of the hashes');

# ---- a database that belongs to the attacker, more or less
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('postgres', 'CREATE DATABASE bare');
$node->safe_psql($_, "GRANT ALL ON DATABASE $_ TO attacker, other; GRANT ALL ON SCHEMA public TO attacker, other;"
	. "ALTER DATABASE $_ SET search_path = evil, public, pg_catalog; CREATE SCHEMA stats; CREATE EXTENSION pg_stat_statements WITH SCHEMA stats") for qw(shop bare);
as('attacker', 'shop', "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;\n" . shadows('evil') . shadows('public'));
my $from = log_end();
$node->safe_psql('shop', 'CREATE EXTENSION schemakit');
nothing_by_others($from, 'CREATE EXTENSION');
as('attacker', 'shop', shadows('evil'));    # now of what is in schemakit, too
cmp_ok($node->safe_psql('shop', q{SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc WHERE pronamespace OPERATOR(pg_catalog.=) 'evil'::pg_catalog.regnamespace}), '>', 2500, 'shadows of functions');
$from = log_end();
$node->psql('shop', q{SELECT lower('x'); SELECT 1 = 1; SELECT 'x'::text; SELECT relname FROM pg_class LIMIT 1;}, on_error_stop => 0);
is(join(', ', by_others($from)), join(', ', map { "$_ as $dba in SELECT" } 'evil function lower', 'evil operator =', 'evil relation pg_class', 'evil type text'),
	'shadows tell of who runs them');

# ---- the attacker's session: what is done for others in it runs under their rights
as('attacker', 'shop', hostile());
$node->safe_psql('shop', <<'END');
CREATE SCHEMA app AUTHORIZATION other;
GRANT USAGE ON SCHEMA app TO attacker;
GRANT SELECT ON schemakit.audit_log TO attacker, other, reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA schemakit TO other;
GRANT EXECUTE ON FUNCTION schemakit.audit_maintain TO attacker;
GRANT USAGE ON SCHEMA evil TO other, reader;
SELECT schemakit.auto_enable('audit', schemas => 'nowhere', options => '{"capture": "full"}');
SELECT schemakit.auto_enable('soft_delete', schemas => 'evil', tables => 'auto%');
SELECT schemakit.auto_enable('audit', schemas => 'evil', tables => 'auto%');
END
as('attacker', 'shop', 'GRANT REFERENCES, SELECT ON evil.plain TO other');
# a workload, of which the advisor hears
as('attacker', 'shop', <<'END');
SET search_path = pg_catalog;
CREATE TABLE evil.one (id int PRIMARY KEY, v text);
CREATE TABLE evil.many (id int PRIMARY KEY, one int REFERENCES evil.one ON DELETE CASCADE, v text, m evil.mood, d evil.small);
CREATE INDEX ON evil.many ((id + evil.bad('constant of an index of many', 1)), evil.bad('index of many', v));
CREATE INDEX ON evil.many (d) WHERE evil.bad('predicate of an index of many', true) AND m = 'good';
CREATE STATISTICS evil.many_statistics ON (id + evil.bad('constant of statistics of many', 1)), v FROM evil.many;
INSERT INTO evil.one SELECT i, 'v' || i FROM generate_series(1, 1000) AS i;
INSERT INTO evil.many SELECT i, 1 + i % 1000, 'v' || repeat('x', 200), 'good', i FROM generate_series(1, 6000) AS i;
ANALYZE evil.one, evil.many;
SELECT count(*) FROM evil.many WHERE one = 7;
SELECT count(*) FROM evil.many WHERE one = evil.bad('constant of a query', 7);
SELECT count(*) FROM evil.many WHERE evil.bad('expression of a query', v) = 'v7';
SELECT count(*) FROM evil.many WHERE d = 7 AND m = 'good';
DELETE FROM evil.one WHERE id = 7;
DELETE FROM evil.one WHERE id = 8;
UPDATE evil.many SET v = 'x' WHERE one = 9;
END
as('other', 'shop', <<'END');
CREATE TABLE app.kid (id pg_catalog.int4 PRIMARY KEY, plain pg_catalog.int4 REFERENCES evil.plain ON DELETE CASCADE, v pg_catalog.text, updated_at pg_catalog.timestamptz);
CREATE TABLE app.top (id pg_catalog.int4 PRIMARY KEY, v pg_catalog.text, updated_at pg_catalog.timestamptz);
CREATE INDEX ON app.top (v);
GRANT REFERENCES, SELECT ON app.top TO attacker;
SELECT schemakit.audit_enable('app.top');
SELECT schemakit.audit_enable('app.kid');
SELECT schemakit.soft_delete_enable('app.top');
SELECT schemakit.soft_delete_enable('app.kid');
INSERT INTO app.top VALUES (1, 'one'), (2, 'two');
INSERT INTO app.kid VALUES (1);
GRANT SELECT, INSERT, UPDATE, DELETE ON app.top, app.top_live, app.kid TO attacker;
END
my $attack = <<'END';
SELECT * FROM schemakit.audit_maintain();
SELECT schemakit.audit_enable('evil.plain', mask => '{"v": "hash"}');
SELECT schemakit.audit_enable('evil.parent', capture => 'full');
SELECT schemakit.audit_enable('evil.child');
SELECT schemakit.audit_enable('evil.parted');
SELECT schemakit.audit_enable('evil.odd');
SELECT schemakit.soft_delete_enable('evil.plain');
SELECT schemakit.soft_delete_enable('evil.parent');
SELECT schemakit.soft_delete_enable('evil.child');
SELECT schemakit.timestamps_enable('evil.plain', add_columns => true);
CREATE TABLE evil.bottom (id pg_catalog.int4 PRIMARY KEY, top pg_catalog.int4 REFERENCES app.top ON DELETE CASCADE, v pg_catalog.text);
SELECT schemakit.audit_enable('evil.bottom');
SELECT schemakit.audit_enable('evil.keyless');
SELECT schemakit.audit_enable('evil.many');
INSERT INTO evil.keyless VALUES (1, 'one', 'one');
SELECT schemakit.soft_delete_enable('evil.bottom');
INSERT INTO evil.plain VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO evil.bottom VALUES (1, 1), (2, 2);
INSERT INTO evil.parent (id, v, p, q, m, r) VALUES (1, 'one', '(1,x)', '{"(1,x)"}', 'good', '[1,3]'), (2, 'two', '(2,y)', '{"(2,y)"}', 'bad', '[2,3]'), (3, 'three', NULL, NULL, NULL, NULL);
INSERT INTO evil.child VALUES (1, 1, 'one'), (2, 2, 'two');
INSERT INTO evil.parted VALUES (1, 'a', 'one');
INSERT INTO evil.odd VALUES ('(1,x)', 'one'), ('(2,y)', 'two');
UPDATE evil.parent SET v = 'new', p = '(7,z)', q = '{"(7,z)"}', r = '[4,9]' WHERE v = 'one';
UPDATE evil.parent SET v = pg_catalog.concat(v, 'n');
UPDATE evil.odd SET v = 'new';
DELETE FROM evil.parent WHERE v = 'three';
UPDATE evil.parted SET v = 'two';
DELETE FROM app.top_live;
UPDATE app.top_live SET v = 'three';
DELETE FROM evil.plain_live;
UPDATE evil.plain SET deleted_at = NULL;
DELETE FROM evil.parent_live;
UPDATE evil.parent SET deleted_at = NULL;
SELECT * FROM schemakit.audit_as_of(NULL::evil.plain, '-infinity');
SELECT * FROM schemakit.audit_as_of(NULL::evil.parent, pg_catalog.now() OPERATOR(pg_catalog.-) '1 ms'::pg_catalog.interval);
SELECT * FROM schemakit.audit_as_of(NULL::evil.odd, pg_catalog.now(), '{"k": "(1,x)"}');
SELECT * FROM schemakit.audit_history('evil.odd', '{"k": "(1,x)"}');
SELECT * FROM schemakit.audit_history('evil.plain', '{"id": 1}');
SELECT * FROM schemakit.audit_changes();
SELECT * FROM schemakit.audit_changes(schemakit.audit_position(), 'evil.plain');
SELECT * FROM schemakit.audit_changes(rel => 'evil.plain');
SELECT * FROM schemakit.audit_changes(max_rows => 1);
SELECT * FROM schemakit.audit_search('nobody', op => 'U');
SELECT * FROM schemakit.audit_search(columns => '{id}', value => '{"id": 1}', tables => '{evil.plain}');
SELECT * FROM schemakit.audit_as_of_jsonb('evil.parent', pg_catalog.now());
SELECT * FROM schemakit.audit_log;
SELECT schemakit.audit_set_actor('me', '{"a": 1}', local => false);
INSERT INTO evil.plain VALUES (11, 'one');
SELECT * FROM schemakit.status();
SELECT * FROM schemakit.explain_with_indexes('SELECT * FROM evil.plain', '{CREATE INDEX ON evil.plain (v)}');
SELECT schemakit.estimate_index_size('CREATE INDEX ON evil.plain (v)');
SELECT schemakit.soft_delete_purge('evil.plain', '1 s', force => true);
CREATE TABLE evil.auto1 (id pg_catalog.int4 PRIMARY KEY, deleted_at pg_catalog.timestamptz, updated_at pg_catalog.timestamptz);
INSERT INTO evil.auto1 VALUES (1);
ALTER TABLE evil.auto1 ADD COLUMN v pg_catalog.text;
ALTER TABLE evil.auto1 RENAME COLUMN v TO w;
ALTER TABLE evil.auto1 ALTER COLUMN w TYPE pg_catalog.varchar;
ALTER TABLE evil.auto1 RENAME TO auto2;
GRANT SELECT ON evil.auto2 TO other;
DELETE FROM evil.auto2_live;
ALTER TABLE evil.auto2 DROP COLUMN w;
DROP TABLE evil.auto2 CASCADE;
ALTER TABLE evil.parted DETACH PARTITION evil.part_a;
ALTER TABLE evil.parted ATTACH PARTITION evil.part_a FOR VALUES IN ('a');
TRUNCATE evil.child;
END
# their months are made in the attacker's session
$node->safe_psql('shop', <<'END');
SET search_path = pg_catalog;
SET schemakit.audit_writable = on;
DO $$DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'schemakit.audit_event'::regclass AND inhrelid::regclass::text !~ 'default'
	LOOP EXECUTE 'DROP TABLE ' || p; END LOOP; END$$;
END
$from = log_end();
my ($out, $err) = as('attacker', 'shop', shadows('pg_temp') . $attack);
nothing_by_others($from, 'the attacker\'s session');
unlike($err, qr/must be owner|syntax error/, 'it does what it is meant to');
is($node->safe_psql('shop', q{SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relname OPERATOR(pg_catalog.~) '^audit_event_p[0-9_]+$' AND relacl IS NULL AND relnamespace OPERATOR(pg_catalog.=) 'schemakit'::pg_catalog.regnamespace}),
	'4', 'it has made the months that were missing, which are their owner\'s alone');
as('attacker', 'shop', $attack);

# ---- a superuser and another owner meet the attacker's tables
my %tables = (
	'evil.parent' => '{"id": 1}', 'evil.child' => '{"id": 1}', 'evil.plain' => '{"id": 1}', 'evil.bottom' => '{"id": 1}', 'evil.odd' => '{"k": "(1,x)"}',
	'evil.many' => '{"id": 1}', 'evil.keyless' => undef, 'evil.parted' => undef, 'app.kid' => '{"id": 1}', 'app.top' => '{"id": 1}');
my $past = $node->safe_psql('shop', q{SELECT pg_catalog.min(changed_at) FROM schemakit.audit_log WHERE table_name OPERATOR(pg_catalog.=) 'evil.odd'});

my $hour = q{pg_catalog.now() OPERATOR(pg_catalog.-) '1 us'::pg_catalog.interval};

sub reading
{
	my ($table, $key) = @_;
	return (
		"SELECT * FROM schemakit.audit_as_of(NULL::$table, '$past')",
		"SELECT * FROM schemakit.audit_as_of(NULL::$table, $hour)",
		$key ? (
			"SELECT * FROM schemakit.audit_as_of(NULL::$table, '$past', '$key')",
			"SELECT * FROM schemakit.audit_as_of(NULL::$table, $hour, '$key')",
			"SELECT * FROM schemakit.audit_as_of_jsonb('$table', '$past', '$key')",
			"SELECT * FROM schemakit.audit_history('$table', '$key')",
			"SELECT * FROM schemakit.audit_versions(NULL::$table, '$key')",
			"SELECT * FROM schemakit.audit_versions(NULL::$table, NULL, '$past')") : (),
		"SELECT * FROM schemakit.audit_search(tables => '{$table}')",
		"SELECT * FROM schemakit.audit_verify('$table')",
		"SELECT * FROM schemakit.audit_as_of_jsonb('$table', $hour)",
		"SELECT * FROM schemakit.audit_rows('$table', $hour)",
		"SELECT * FROM schemakit.audit_changes(rel => '$table')");
}

sub changing
{
	my ($table, $key) = @_;
	return (
		"SELECT schemakit.audit_grant('$table', 'reader')",
		"SELECT * FROM schemakit.audit_readers()",
		"SELECT schemakit.audit_revoke('$table', 'reader')",
		"SELECT schemakit.audit_enable('$table', capture => 'full', baseline => true, replica => true)",
		"SELECT schemakit.audit_enable('$table', mask => '{\"" . ($table eq 'evil.keyless' ? 'w' : 'v') . "\": \"hash\"}')",
		"SELECT schemakit.timestamps_enable('$table', add_columns => " . ($table eq 'evil.parted' ? 'false' : 'true') . ')',
		"SELECT schemakit.timestamps_disable('$table')",
		"SELECT schemakit.timestamps_enable('$table')",
		$key ? (
			"SELECT schemakit.soft_delete_enable('$table', protect => true)",
			"SELECT schemakit.soft_delete_disable('$table')",
			"SELECT schemakit.soft_delete_enable('$table')",
			"SELECT schemakit.soft_delete_purge('$table', '1 us', force => true)",
			"SELECT schemakit.audit_restore('$table', '$past', remove => true)",
			"SELECT schemakit.audit_restore('$table', $hour)",
			"SELECT schemakit.audit_restore('$table', $hour, '$key')") : (),
		"SELECT * FROM schemakit.explain_with_indexes('SELECT * FROM app.top', '{CREATE INDEX ON $table (v)}')",
		"SELECT schemakit.estimate_index_size('CREATE INDEX ON $table (v)')",
		"SELECT schemakit.estimate_index_size('CREATE INDEX ON $table ((pg_catalog.lower(v)))')",
		"SELECT * FROM schemakit.advise_indexes('{SELECT * FROM app.top WHERE v OPERATOR(pg_catalog.=) ''x''}', tables => '{$table}')",
		"SELECT * FROM schemakit.advise_indexes('{SELECT * FROM $table WHERE v OPERATOR(pg_catalog.=) ''x''}')",
		"SELECT * FROM schemakit.advise_indexes_explain(1, '{SELECT * FROM $table WHERE v OPERATOR(pg_catalog.=) ''x'', SELECT * FROM app.top WHERE v OPERATOR(pg_catalog.=) \$1}', min_benefit => 0)",
		"SELECT d.* FROM pg_catalog.pg_index AS i, schemakit.advise_drop(i.indexrelid, '{SELECT * FROM $table WHERE v OPERATOR(pg_catalog.=) ''x''}') AS d WHERE i.indrelid OPERATOR(pg_catalog.=) '$table'::pg_catalog.regclass",
		"SELECT * FROM schemakit.advise_indexes('{SELECT * FROM $table AS t JOIN app.top AS a ON a.v OPERATOR(pg_catalog.=) t.v, UPDATE $table SET v = ''y'' WHERE v OPERATOR(pg_catalog.=) ''x''}')");
}

my @others = split /;\n/, <<'END';
SELECT * FROM schemakit.audit_log;
SELECT schemakit.audit_changed(old, new, true) FROM schemakit.audit_log;
SELECT * FROM schemakit.audit_changes();
SELECT * FROM schemakit.status();
SELECT schemakit.audit_set_actor('me', '{"a": 1}', local => false);
SELECT v FROM app.top WHERE schemakit.is_live(deleted_at);
SELECT schemakit.audit_mark('a mark');
SELECT schemakit.audit_at('a mark');
SELECT * FROM schemakit.audit_search(op => 'U');
SELECT * FROM schemakit.audit_maintain(premake => '5 months', retain => '2 years');
SELECT * FROM schemakit.advise_indexes();
SELECT * FROM schemakit.advise_indexes('{SELECT * FROM app.top WHERE v OPERATOR(pg_catalog.=) $1}');
SELECT * FROM schemakit.advise_indexes('{SELECT * FROM app.kid WHERE plain OPERATOR(pg_catalog.=) 5}', actions => '{create}');
SELECT schemakit.advise_indexes_report();
SELECT * FROM schemakit.advise_indexes_explain(1);
SELECT * FROM schemakit.advise_drop('app.top_v_idx');
INSERT INTO app.top VALUES (21, 'x');
UPDATE app.top SET v = 'y';
INSERT INTO app.kid VALUES (21, 1);
DELETE FROM app.top_live;
DELETE FROM app.top;
TRUNCATE app.kid;
END
my @rules = split /;\n/, <<'END';
SELECT schemakit.auto_enable('soft_delete', schemas => 'evil', tables => 'p%');
SELECT schemakit.auto_enable('audit', schemas => 'evil');
SELECT * FROM schemakit.auto_apply();
SELECT * FROM schemakit.status();
SELECT schemakit.auto_disable(id) FROM schemakit.auto_rule WHERE id OPERATOR(pg_catalog.>) 1;
SELECT schemakit.index_advice_record();
END

# Each statement in a session of its own: what one has folded is kept for the next.
sub separately { return join '', map { "$_;\n\\connect\n" } @_ }

for my $table (sort keys %tables)
{
	for my $role ($table =~ /^app/ ? 'other' : (), $dba)
	{
		$from = log_end();
		my ($out, $err) = as($role, 'shop', separately(reading($table, $tables{$table}), changing($table, $tables{$table}),
			$role eq $dba ? ("SELECT schemakit.audit_enable('$table', key => '{v}')", "SELECT schemakit.audit_disable('$table')", "SELECT schemakit.audit_enable('$table')") : ()));
		nothing_by_others($from, "$table, as $role");
		my $ran = ran($node, $from);
		cmp_ok($ran->{'domain check as attacker in audit_as_of()'} // 0, '>', 0, "$table, as $role: domains are the attacker's") if $table =~ /parent|odd/;
		my @errors = grep { /ERROR/ && !/permission denied for table bottom/ } split /\n/, $err;
		# evil.child has one, and audit_restore() refuses that
		@errors = grep { !/cannot put back rows of table "child", which has a rule on INSERT/ } @errors if $table eq 'evil.child';
		like(shift @errors // '', qr/:1: ERROR:  cannot determine the rows of table "parted"/, "$table, as $role: its partition was detached since then") if $table eq 'evil.parted';
		is(join("\n", @errors), '', "$table, as $role: it does what it is meant to");
		as('attacker', 'shop', $attack) if $table =~ /^evil/;
	}
}
for my $role ($dba, 'other')
{
	$from = log_end();
	as($role, 'shop', separately(@others, $role eq $dba ? @rules : ()));
	nothing_by_others($from, "all that is about no table, as $role");
	as('attacker', 'shop', $attack);
}
# an owner who takes his rights from himself, so that things are done as somebody else
as('attacker', 'shop', "REVOKE ALL ON $_ FROM attacker") for grep { /^evil/ } sort keys %tables;
$from = log_end();
as($dba, 'shop', separately(map { (reading($_, $tables{$_}), grep { /purge|advise/ } changing($_, $tables{$_})) } grep { /^evil/ } sort keys %tables));
nothing_by_others($from, "without the owner's privileges, as $dba");
as('attacker', 'shop', "GRANT ALL ON $_ TO attacker") for grep { /^evil/ } sort keys %tables;

# what a superuser has run before means something else by now
$from = log_end();
as($dba, 'shop', <<'END');
CREATE TEMPORARY TABLE planted (id pg_catalog.int4, v pg_catalog.text);
SELECT v FROM planted WHERE id OPERATOR(pg_catalog.=) 7;
END
as('attacker', 'shop', <<'END');
CREATE TABLE evil.planted (id pg_catalog.int4, v pg_catalog.text);
CREATE INDEX ON evil.planted (id) WHERE evil.bad('index of a planted table', true);
END
as($dba, 'shop', 'SET search_path = pg_catalog; SELECT * FROM schemakit.advise_indexes(max_queries => 1000)');
nothing_by_others($from, "a planted table, as $dba");

# a superuser in whose session the attacker has been
$from = log_end();
as($dba, 'shop', "SET SESSION AUTHORIZATION attacker;\n" . shadows('pg_temp') . "RESET SESSION AUTHORIZATION;\n"
	. join(";\n", (map { (changing($_, $tables{$_}), reading($_, $tables{$_})) } sort keys %tables), @rules, @others) . ";\n");
nothing_by_others($from, "with the attacker's temporary objects, as $dba");

# ---- who reads the history of a table, and not the log: the owner, and to whom he grants it
$node->safe_psql('shop', 'REVOKE SELECT ON schemakit.audit_log FROM attacker, other, reader');
for my $table (grep { /^evil/ } sort keys %tables)
{
	my ($out, $err);
	$from = log_end();
	($out, $err) = as('attacker', 'shop', separately(reading($table, $tables{$table})));
	nothing_by_others($from, "$table, as its owner");
	unlike($err, qr/permission denied/, "$table: its owner reads the history");
	as('attacker', 'shop', "GRANT SELECT ON $table TO other; SELECT schemakit.audit_grant('$table', 'other')");
	$from = log_end();
	($out, $err) = as('other', 'shop', separately(reading($table, $tables{$table})));
	nothing_by_others($from, "$table, as one to whom the history is granted");
	unlike($err, qr/permission denied for the history/, "$table: who was granted it reads the history");
}
{
	my ($out, $err) = as('attacker', 'shop', separately(reading('app.top', $tables{'app.top'})));
	my $denied = () = $err =~ /permission denied for the history of table "top"/g;
	my @asked = reading('app.top', $tables{'app.top'});
	is($denied, scalar(@asked), "nobody reads another's");
	$node->safe_psql('shop', 'DROP TABLE IF EXISTS app.gone; CREATE TABLE app.gone (id int PRIMARY KEY); SELECT schemakit.audit_enable(\'app.gone\'); ALTER TABLE app.gone OWNER TO other; INSERT INTO app.gone VALUES (1)', extra_params => [ '-q' ]);
	my $then = $node->safe_psql('shop', 'SELECT pg_catalog.clock_timestamp()');
	$node->safe_psql('shop', 'DROP TABLE app.gone');
	$from = log_end();
	($out, $err) = as('attacker', 'shop', "SELECT * FROM schemakit.audit_rows('app.gone', '$then')");
	like($err, qr/permission denied for the history of table "gone"/, 'nor what it was');
	($out, $err) = as('other', 'shop', "SELECT key FROM schemakit.audit_rows('app.gone', '$then')");
	is($out, '{"id": 1}', 'but its last owner');
	nothing_by_others($from, 'a table that is gone');
}
$node->safe_psql('shop', 'GRANT SELECT ON schemakit.audit_log TO attacker, other, reader');
as($dba, 'shop', separately(map { ("SELECT schemakit.audit_retain('$_', '1 year')", $tables{$_} ? "SELECT schemakit.audit_hold('$_', '$tables{$_}', 'x')" : (), "SELECT schemakit.audit_hold('$_', NULL, 'y')") } grep { /^evil/ } sort keys %tables)) if ($from = log_end());
as($dba, 'shop', separately("SELECT * FROM schemakit.audit_maintain(premake => '5 months', retain => '1 day')",
	map { ($tables{$_} ? "SELECT schemakit.audit_release('$_', '$tables{$_}')" : (), "SELECT schemakit.audit_release('$_', NULL)", "SELECT schemakit.audit_retain('$_', NULL)") } grep { /^evil/ } sort keys %tables));
nothing_by_others($from, 'retention and holds');

# ---- and that is all there is
my $source = slurp_file(__FILE__);
is(join(', ', grep { $source !~ /schemakit\.$_\b/ } split /\n/, $node->safe_psql('normal', q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'schemakit'::regnamespace
	AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND proname !~ '^internal_'})), '', 'each public function is used above');

# ---- nor does it leave anything in the session
my @left = map { "$_;\nSELECT pg_catalog.concat('actor ', pg_catalog.current_setting('schemakit.audit_actor'))" } map { (reading($_, $tables{$_}), grep { !/purge/ } changing($_, $tables{$_})) } sort grep { /^evil/ } keys %tables;
my @actors = as($dba, 'shop', join(";\n", @left, @others) . ";\n") =~ /^actor (.+)$/mg;
is("@actors", '', 'no setting of the session is changed');

# ---- what a DBA puts on the log runs as its owner, and never under the writer's search_path
$node->safe_psql('shop', <<'END');
SET search_path = pg_catalog;
CREATE FUNCTION app.saw(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN RAISE LOG 'saw % as %', lower(what), current_user; RETURN what; END$$;
CREATE FUNCTION app.on_log() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM app.saw('trigger'); RETURN new; END$$;
CREATE FUNCTION app.compare(text, text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN PERFORM app.saw('operator class'); RETURN 0; END$$;
CREATE OPERATOR CLASS app.some_ops FOR TYPE text USING btree AS OPERATOR 3 =, FUNCTION 1 app.compare(text, text);
END
my %on_log = (
	'a trigger' => [ 'CREATE TRIGGER a AFTER INSERT ON schemakit.audit_event FOR EACH ROW EXECUTE FUNCTION app.on_log()', 'DROP TRIGGER a ON schemakit.audit_event' ],
	'a deferred trigger' => [ 'CREATE CONSTRAINT TRIGGER a AFTER INSERT ON schemakit.audit_event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.on_log()', 'DROP TRIGGER a ON schemakit.audit_event' ],
	'a check' => [ q{ALTER TABLE schemakit.audit_event ADD CONSTRAINT a CHECK (app.saw('check') IS NOT NULL) NOT VALID}, 'ALTER TABLE schemakit.audit_event DROP CONSTRAINT a' ],
	'a rule' => [ q{CREATE RULE a AS ON INSERT TO schemakit.audit_event DO ALSO SELECT app.saw('rule')}, 'DROP RULE a ON schemakit.audit_event' ],
	'an index on an expression' => [ 'CREATE INDEX a ON schemakit.audit_event (app.saw(application))', 'DROP INDEX schemakit.a' ],
	'a partial index' => [ q{CREATE INDEX a ON schemakit.audit_event (pid) WHERE app.saw(application) IS NOT NULL}, 'DROP INDEX schemakit.a' ],
	'an index on a constant' => [ q{CREATE INDEX a ON schemakit.audit_event (pid) WHERE app.saw('constant') IS NOT NULL}, 'DROP INDEX schemakit.a' ],
	'an operator class' => [ 'CREATE INDEX a ON schemakit.audit_event (application app.some_ops)', 'DROP INDEX schemakit.a' ]);
for my $what (sort keys %on_log)
{
	$node->safe_psql('shop', "SET search_path = pg_catalog; SET schemakit.audit_writable = on; $on_log{$what}[0]");
	$from = log_end();
	as('attacker', 'shop', q{BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE evil.plain SET v = 'a'; UPDATE evil.plain SET v = 'b'; COMMIT;}) for 1 .. 2;
	nothing_by_others($from, "$what on the log");
	my %saw = map { $_ => 1 } slurp_file($node->logfile, $from) =~ /saw .* as (\S+)$/mg;
	is(join(', ', sort keys %saw), $dba, "$what on the log runs as its owner");
	$node->safe_psql('shop', "SET search_path = pg_catalog; SET schemakit.audit_writable = on; $on_log{$what}[1]");
}

# ---- commands, beside the same ones in a database without schemakit
as('attacker', 'bare', "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;\n" . hostile());
$node->safe_psql('bare', 'CREATE SCHEMA app');
my @commands = split /\n/, <<'END';
ALTER TABLE evil.parent ADD COLUMN n pg_catalog.int4
ALTER TABLE evil.parent RENAME COLUMN n TO o
ALTER TABLE evil.parent ALTER COLUMN o TYPE pg_catalog.int8
ALTER TABLE evil.parent DROP COLUMN o
ALTER TABLE evil.parent RENAME TO parents
ALTER TABLE evil.parents SET SCHEMA app
ALTER TABLE app.parents SET SCHEMA evil
ALTER TABLE evil.parents RENAME TO parent
ALTER TABLE evil.parent OWNER TO other
ALTER TABLE evil.parent OWNER TO attacker
GRANT SELECT ON evil.parent TO reader
CREATE INDEX ON evil.plain (v)
ALTER TABLE evil.parted ATTACH PARTITION evil.part_b FOR VALUES IN ('b')
ALTER TABLE evil.parted DETACH PARTITION evil.part_b
CREATE TABLE evil.part_c PARTITION OF evil.parted FOR VALUES IN ('c')
CREATE TABLE evil.copied (LIKE evil.parent INCLUDING ALL)
CREATE TABLE evil.heir () INHERITS (evil.plain)
CREATE TABLE evil.typed OF evil.pair
ALTER TYPE evil.pair ADD ATTRIBUTE c pg_catalog.text CASCADE
ALTER TYPE evil.mood RENAME VALUE 'bad' TO 'worse'
CREATE TRIGGER more AFTER INSERT ON evil.plain FOR EACH ROW EXECUTE FUNCTION evil.bad_trigger()
ALTER TABLE evil.parent DISABLE TRIGGER ALL
ALTER TABLE evil.parent ENABLE TRIGGER ALL
TRUNCATE evil.child
DROP TYPE evil.span CASCADE
DROP TABLE evil.parted
DROP TABLE evil.child, evil.parent CASCADE
SET client_min_messages = error; DROP SCHEMA evil CASCADE
END
my (%same, %failed);
for my $database (qw(bare shop))
{
	$from = log_end();
	my ($out, $err) = as($dba, $database, separately(@commands));
	$failed{$database} = join "\n", grep { /ERROR/ } split /\n/, $err;
	$same{$_}++ for $database eq 'bare' ? by_others($from) : ();
}
is(join("\n", grep { !$same{$_} } by_others($from)), '', "commands of $dba run no more of the attacker's code as $dba than without schemakit");
is($failed{shop}, $failed{bare}, 'nor does one of them fail that did not');

done_testing();
