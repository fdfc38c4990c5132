# Bytes that nobody would send: options and patterns of rules, arguments of triggers,
# CREATE INDEX for indexes that do not exist, comments of clients, and statements by
# sqlsmith against tables with all features.  Whatever comes is taken or refused; no
# rule that was taken makes a statement fail, a comment that follows the format is
# recorded to the letter, and none ever fails its statement.  SCHEMAKIT_SEED repeats
# a run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Faults ();
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SCHEMAKIT_SEED} // int rand 1_000_000;
srand $seed;
note("SCHEMAKIT_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# verbose: an error's SQLSTATE and place are in the log
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nlog_error_verbosity = verbose");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION schemakit');

sub one_of { return $_[ rand @_ ] }

# A statement in a transaction that goes on if it fails; psql tells "what" and the SQLSTATE.
sub tried
{
	my ($what, $sql) = @_;
	return "SAVEPOINT two; $sql;\n\\echo $what :SQLSTATE\n\\if :ERROR\nROLLBACK TO two;\n\\endif\n";
}

# Runs a script of these, of which nothing remains; returns how often each statement
# came out how, and what was said.
sub outcomes
{
	my ($script) = @_;
	my ($code, $out, $err) = $node->psql('postgres', "BEGIN;\nSET LOCAL schemakit.audit_actor = 'fuzz';\n$script\nROLLBACK;\n", on_error_stop => 0);
	return ($out, $err);
}

sub count_of
{
	my ($pattern, $out) = @_;
	return scalar(() = $out =~ /^$pattern$/mg);
}

# ---- options
my %keys = (
	timestamps => [qw(col mode add_columns)],
	audit => [qw(capture exclude ignore mask key truncate_rows require_actor baseline replica)],
	soft_delete => [qw(col view_schema protect)]);
my @values = ('true', 'false', 'null', '0', '-1', '1e400', '""', '"updated_at"', '"full"', '"diff"', '"keys"', '"null"', '"hash"', '"id"', '"deleted_at"', '"live"', '"v"',
	'"no such"', '"\\u00e9\\"\\\\"', '"' . 'x' x 70 . '"', '[]', '["id"]', '["v", "v"]', '["v", null]', '[["id"]]', '{}', '{"v": "hash"}', '{"v": "null", "id": "hash"}', '{"v": {"v": 1}}', '{"": ""}');

sub options
{
	my ($feature) = @_;
	my @pairs;
	push @pairs, '"' . (rand() < 0.85 ? one_of(@{ $keys{$feature} }) : one_of('', 'cols', 'Col', 'mode ', 'x')) . '": ' . one_of(@values) for 1 .. rand 4;
	my $options = '{' . join(', ', @pairs) . '}';
	$options = one_of('[]', '1', '"col"', 'null') if rand() < 0.05;
	return $options;
}

# Most suit the tables; the others are any characters that LIKE knows, and some that it does not.
sub pattern
{
	return 'f%' if rand() < 0.7;
	return join '', map { one_of('f', '%', '%', '_', '\\', '\\\\', '\\%', '[', "\xc3\xa4", "'", 'g') } 1 .. rand 6;
}

my ($script, @rules) = ('');
for my $i (1 .. 400)
{
	my $feature = one_of(sort keys %keys);
	my $options = options($feature);
	my $pattern = pattern();
	$rules[$i] = "$feature $pattern $options";
	my @changes = (
		insert => "INSERT INTO f$i (id, v) VALUES (1, 'a'), (2, 'b'); INSERT INTO f_g$i VALUES ('{a}', '{}')",
		update => "UPDATE f$i SET v = v || 'x' WHERE id = 1; UPDATE f_g$i SET v = v || v",
		same => "UPDATE f$i SET updated_at = updated_at, v = v",
		delete => "DELETE FROM f_g$i; DELETE FROM f$i WHERE id = 2");
	my $work = tried("CREATE $i", "CREATE TABLE f$i (id int PRIMARY KEY, v text, updated_at timestamptz, deleted_at timestamptz)")
	  . tried("ALTER $i", "CREATE TABLE g$i (v text[], w jsonb); ALTER TABLE g$i ADD COLUMN updated_at date; ALTER TABLE g$i RENAME TO f_g$i");
	while (my ($what, $sql) = splice @changes, 0, 2)
	{
		$work .= tried("$what $i", $sql);
	}
	$work .= tried("status $i", 'SELECT count(*) < 0 FROM schemakit.status()');
	$script .= <<"S";
SAVEPOINT one;
SELECT schemakit.auto_enable('$feature', 'public', \$o\$$pattern\$o\$, \$o\$$options\$o\$::jsonb) IS NULL AS rule;
\\echo rule $i :SQLSTATE
\\if :ERROR
ROLLBACK TO one;
\\else
${work}SELECT 'event ' || op FROM schemakit.audit_log;
ROLLBACK TO one;
\\endif
S
}
my ($out, $err) = outcomes("\\set VERBOSITY verbose\n$script");
my $taken = count_of('rule \d+ 00000', $out);
cmp_ok($taken, '>', 40, "$taken of 400 rules with options by chance are taken");
# that is what "protect" is for
my @broken = grep { !(/^delete (\d+) \w/ && $rules[$1] =~ /^soft_delete .*"protect": true/) } $out =~ /^((?!rule)\w+ \d+ (?!00000)\w{5})$/mg;
is(join("\n", map { "$_: " . (/ (\d+)/ ? $rules[$1] : '') } @broken), '', 'none of them makes a statement fail');
is(count_of('status \d+ 00000', $out), $taken, 'each was followed to its end');
cmp_ok(count_of("event $_", $out), '>', 10, "changes are recorded: $_") for 'I', 'U', 'D';
unlike($err, qr/XX\w{3}:/, 'and what is refused is refused with reasons');

# ---- triggers that are made by hand
my @functions = split /\n/, $node->safe_psql('postgres', q{SELECT proname FROM pg_proc WHERE pronamespace = 'schemakit'::regnamespace AND prorettype = 'trigger'::regtype ORDER BY 1});
$script = '';
for my $i (1 .. 200)
{
	my $function = one_of('touch', 'touch', 'audit', 'audit', @functions);
	my @args = map { one_of('updated_at', 'v', 'id', 'no such', '', 'auto', 'always', 'deleted_at', '{}', '{', 'null', '"', 'x' x 70, "\xc3\xa4", "''", '\\', '%', options('audit'), options('audit')) }
	  1 .. one_of(0, 1, 1, 1, 2, 2, 3);
	my $when = one_of('BEFORE UPDATE', 'BEFORE UPDATE', 'AFTER INSERT OR DELETE OR UPDATE', 'AFTER INSERT OR DELETE OR UPDATE', 'AFTER UPDATE', 'BEFORE DELETE', 'AFTER TRUNCATE');
	my $each = $when =~ /TRUNCATE/ || rand() < 0.1 ? 'STATEMENT' : 'ROW';
	$script .= "SAVEPOINT one; CREATE TABLE h$i (id int PRIMARY KEY, v text, updated_at timestamptz, deleted_at timestamptz); INSERT INTO h$i VALUES (1, 'a'), (2, 'b');\n"
	  . tried("trigger $i", 'CREATE OR REPLACE TRIGGER ' . one_of('hand', 'zz_schemakit_touch', 'zz_schemakit_audit', 'zz_schemakit_soft_delete')
		  . " $when ON h$i FOR EACH $each EXECUTE FUNCTION schemakit.$function(" . join(', ', map { "'$_'" } @args) . ')')
	  . tried("fired $i", "INSERT INTO h$i VALUES (3, 'c')") . tried("fired $i", "UPDATE h$i SET v = v || 'x'") . tried("fired $i", "DELETE FROM h$i WHERE id = 1")
	  . tried("fired $i", "TRUNCATE h$i")
	  . tried("ddl $i", "ALTER TABLE h$i RENAME COLUMN updated_at TO modified_at") . tried("ddl $i", "ALTER TABLE h$i ALTER v TYPE varchar(9)")
	  . tried("ddl $i", "ALTER TABLE h$i DROP COLUMN modified_at, DROP COLUMN v") . tried("looked $i", 'SELECT count(*) < 0 FROM schemakit.status()')
	  . tried("looked $i", 'SELECT count(*) < 0 FROM schemakit.auto_apply()') . "ROLLBACK TO one;\n";
}
($out, $err) = outcomes("\\set VERBOSITY verbose\n$script");
my ($made, $fired) = (count_of('trigger \d+ 00000', $out), count_of('fired \d+ 00000', $out));
cmp_ok($made, '>', 100, "$made of 200 triggers with arguments by chance are made");
cmp_ok($fired, '>', 250, "$fired of 800 changes go through");
is(count_of('ddl \d+ 00000', $out), 600, 'none is in the way of ALTER TABLE');
is(count_of('looked \d+ 00000', $out), 400, 'and none of those who look at all tables');
unlike($err, qr/XX\w{3}:/, 'what fails tells why');

# ---- indexes that do not exist
$node->safe_psql('postgres', q{CREATE TABLE thing (id int PRIMARY KEY, owner int, code text, made timestamptz, tags int[], doc jsonb, span int4range);
	INSERT INTO thing SELECT i, i % 9, 'c' || i, now() + i * interval '1 h', ARRAY[i], jsonb_build_object('k', i), int4range(i, i + 2) FROM generate_series(1, 1000) AS i; ANALYZE thing});
my @indexes = map { "CREATE INDEX $_" } 'ON thing (owner, made DESC NULLS LAST)', 'i ON thing USING btree (lower(code) text_pattern_ops, (owner + 1))', 'ON public.thing USING gin (tags)',
  'ON thing USING gin (doc jsonb_path_ops) WITH (fastupdate = off)', 'ON ONLY thing USING gist (span)', 'ON thing USING brin (made) WITH (pages_per_range = 4)',
  'IF NOT EXISTS i ON thing USING hash (code)', 'ON thing (made) INCLUDE (code) WHERE owner = 7', 'ON thing (code COLLATE "C" ASC NULLS FIRST) WITH (fillfactor = 70) TABLESPACE pg_default';
$script = '';
my @commands;
for my $i (1 .. 300)
{
	my @words = split /(\s+|[(),=])/, one_of(@indexes);
	@words[ rand @words, rand @words ] = @words[ rand @words, rand @words ] if rand() < 0.2;
	splice @words, rand @words, 1 + rand 2 if rand() < 0.25;
	splice @words, rand @words, 0, one_of('UNIQUE', 'CONCURRENTLY', 'owner', 'code', 'doc', 'NULL', '(', ')', ',', "'", '"', '$1', '/*', '--', ';', "\xc3\xa4", chr(1 + int rand 126), 'x' x 70, '(random())', '(SELECT 1)',
		'COLLATE "C"', 'USING', 'gist', '99999999999', 'pg_catalog.', 'ctid', '*', 'ON thing (id); CREATE INDEX') if rand() < 0.5;
	my $text = join '', map { $_ // '' } @words;
	$text =~ s/\$t\$//g;
	$commands[$i] = $text;
	$script .= tried("explained $i", "SELECT count(*) FROM schemakit.explain_with_indexes('SELECT * FROM thing WHERE owner = 3 ORDER BY made', ARRAY[\$t\$$text\$t\$])")
	  . tried("estimated $i", "SELECT schemakit.estimate_index_size(\$t\$$text\$t\$)")
	  . "SAVEPOINT one;\n" . tried("real $i", "DO \$do\$BEGIN EXECUTE \$t\$$text\$t\$; IF (SELECT count(*) <> 2 FROM pg_index WHERE indrelid = 'thing'::regclass) THEN RAISE 'not one index'; END IF; END\$do\$") . "ROLLBACK TO one;\n";
}
($out, $err) = outcomes("\\set VERBOSITY verbose\n$script");
my %state;
$state{$1}[$2] = $3 while $out =~ /^(\w+) (\d+) (\w{5})$/mg;
my @real = grep { $state{real}[$_] eq '00000' } 1 .. 300;
cmp_ok(scalar @real, '>', 60, scalar(@real) . ' of 300 commands by chance make an index');
for my $what ('explained', 'estimated')
{
	is(scalar(grep { defined } @{ $state{$what} }), 300, "$what: each has an answer");
	is(join("\n", map { "$state{$what}[$_]: $commands[$_]" } grep { $state{$what}[$_] ne '00000' } @real), '', "$what: what makes an index can be asked about");
	is(join("\n", map { "$state{real}[$_]: $commands[$_]" } grep { $state{$what}[$_] eq '00000' && $state{real}[$_] ne '00000' } 1 .. 300), '', "$what: and nothing else");
}
unlike($err, qr/XX\w{3}:/, 'what is refused is refused with reasons');

# ---- comments
$node->safe_psql('postgres', q{CREATE TABLE said (id int PRIMARY KEY, actor text); SELECT schemakit.audit_enable('said')});

sub encoded
{
	my ($text) = @_;
	utf8::encode($text);
	return $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger;
}

sub quoted
{
	my ($text) = @_;
	utf8::encode($text);
	return $text =~ s/'/''/gr;
}
my @letters = (map({ chr } 32 .. 126), "\x{e4}", "\x{20ac}", "\x{1f600}", '*/', '/*', "'", '\\', '%');
my $statements = "\\set ON_ERROR_STOP 0\n";
for my $id (1 .. 300)
{
	my $actor = join '', map { one_of(@letters) } 1 .. 1 + rand 12;
	$statements .= "INSERT INTO said VALUES ($id, '" . quoted($actor) . "') /*" . (rand() < 0.5 ? "route='" . encoded(one_of(@letters)) . "'," : '')
	  . "actor='" . encoded($actor) . "'" . (rand() < 0.5 ? ",trace='%20'" : '') . "*/;\n";
}
for my $id (1001 .. 1400)
{
	my $comment = join '', map { one_of('actor=', "'", '=', ',', '%', '%4', '%zz', '%00', '%ff', '%c3%28', '\\', "\\'", 'x', ' ', "\n", chr(1 + int rand 254)) } 1 .. rand 12;
	utf8::encode($comment);
	$comment =~ tr{*/}{}d;    # or it would end elsewhere
	$comment = substr $comment, 0, 200;
	$statements .= "INSERT INTO said VALUES ($id, NULL) /*$comment*/;\n";
}
(my $code, $out, $err) = $node->psql('postgres', $statements);
is($err, '', 'no comment fails its statement');
is($node->safe_psql('postgres', 'SELECT count(*) FROM said'), '700', 'each row is there');
is( $node->safe_psql('postgres', q{SELECT s.id, s.actor, l.actor FROM said s LEFT JOIN schemakit.audit_log l ON l.key = jsonb_build_object('id', s.id)
		WHERE s.id <= 1000 AND l.actor IS DISTINCT FROM s.actor}),
	'', 'and what follows the format is recorded to the letter');

# ---- statements
SKIP:
{
	skip 'not checked: sqlsmith is not installed', 8 unless program('sqlsmith');
	# the replay wants every change, also that of updated_at alone
	$node->safe_psql('postgres', q{CREATE ROLE smith LOGIN; CREATE SCHEMA AUTHORIZATION smith; ALTER ROLE smith SET search_path = smith; ALTER ROLE smith SET statement_timeout = '2s';
		ALTER ROLE smith SET lock_timeout = '500ms';
		SELECT schemakit.auto_enable(f, 'smith', '%', CASE f WHEN 'audit' THEN '{"ignore": []}' ELSE '{}' END::jsonb) FROM unnest('{timestamps,audit,soft_delete}'::text[]) AS f;
		SET ROLE smith;
		CREATE TABLE smith.parent (id int PRIMARY KEY, n int, tags int[], doc jsonb, updated_at timestamptz, deleted_at timestamptz);
		CREATE TABLE smith.child (id int PRIMARY KEY, parent int REFERENCES smith.parent ON DELETE CASCADE, amount numeric, at date, span int4range, updated_at timestamp, deleted_at timestamptz)});
	$node->safe_psql('postgres', q{CREATE VIEW audited AS SELECT unnest('{smith.parent,smith.child}'::regclass[]) AS rel; CREATE VIEW relevant AS SELECT * FROM schemakit.audit_event;}
		  . Faults::oracle());

	# What sqlsmith runs itself it undoes; so it only writes what changes rows, and each
	# statement is a transaction.  Rows come back now and then, or soon there are none.
	my $rows = q{INSERT INTO parent SELECT i, i, ARRAY[i, NULL], '{"k": 1}' FROM generate_series(1, 50) AS i ON CONFLICT (id) DO UPDATE SET deleted_at = NULL, n = parent.n + 1;
		INSERT INTO child SELECT i, i, i, '2026-01-01' FROM generate_series(1, 50) AS i ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, deleted_at = NULL};
	my @texts = grep { /^\s*(?:insert|update|delete|merge)\b/i && !/schemakit\.\w+_(?:en|dis)able/ } split /;\s*\n/,
	  sqlsmith($node, 'smith', '--dry-run', '--max-queries=3000', "--seed=$seed");
	my $work = "\\o /dev/null\n";
	for my $i (0 .. $#texts)
	{
		$work .= "$rows;\n" if $i % 10 == 0;
		$work .= "$texts[$i];\n\\echo smith :SQLSTATE :ROW_COUNT\n";
	}
	my ($code, $out, $err) = $node->psql('postgres', $work, on_error_stop => 0, extra_params => [ '-U', 'smith' ]);
	my @well = $out =~ /^smith 00000 (\d+)$/mg;
	my $changes = grep { $_ > 0 } @well;
	is(count_of('smith \w{5} \d+', $out), scalar @texts, 'each of ' . @texts . ' statements by sqlsmith has its answer');
	cmp_ok(scalar @well, '>', 40, scalar(@well) . ' of them succeed');
	cmp_ok($changes, '>', 10, "$changes of them change rows");
	# and queries of all kinds, as sqlsmith runs them
	my $offset = -s $node->logfile;
	sqlsmith($node, 'smith', '--max-queries=500', "--seed=$seed");
	cmp_ok(scalar(() = slurp_file($node->logfile, $offset) =~ /LOG:  00000: statement:/g), '>', 330, 'statements by sqlsmith itself');
	is($node->safe_psql('postgres', q{SELECT count(DISTINCT op) FROM schemakit.audit_event WHERE op IN ('I', 'U', 'D')}), '3', 'rows come, change and go');
	my $events = $node->safe_psql('postgres', 'SELECT replay()');
	is($node->safe_psql('postgres', 'SELECT rel, d FROM audited, differences(rel) AS d'), '', "the log gives both tables ($events events)");
	is($node->safe_psql('postgres', q{SELECT * FROM schemakit.status() WHERE state <> 'ok'}), '', 'status() finds no fault');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM smith.child c JOIN smith.parent p ON p.id = c.parent WHERE c.deleted_at IS NULL AND p.deleted_at IS NOT NULL}), '0',
		'and no live child has a deleted parent');
}
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server lives');
# sqlsmith's queries, unless they call us, are the server's own; changes fire our triggers,
# so they are if they fail in the same way when these do not fire
sub is_the_servers
{
	my ($entry) = @_;
	my ($message) = $entry =~ /\A[^\n]*:  XX\w+: ([^\n]+)/;
	my ($statement) = $entry =~ /STATEMENT:  (.*)/s;
	return 0 if !defined $statement || $statement =~ /\bschemakit\.\w+\s*\(/i;
	return 1 if $entry =~ /sqlsmith::dut STATEMENT:/ && $statement !~ /\b(?:insert|update|delete|merge)\b/i;
	my (undef, undef, $err) = $node->psql('postgres',
		"BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL search_path = smith; SET LOCAL statement_timeout = '10s';\n$statement;\nROLLBACK;",
		on_error_stop => 0);
	# about another row, perhaps
	my $like = join '.*', map { quotemeta } split /\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/, $message;
	return $err =~ /$like/;
}
is(internal_errors($node, \&is_the_servers), '', 'and nothing is broken');
$node->stop;
done_testing();
