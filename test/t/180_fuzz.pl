# Bytes that nobody would send: options of rules, comments of clients, and statements
# by sqlsmith against tables with all features.  Whatever comes is taken or refused;
# no rule that was taken makes CREATE TABLE fail, a comment that follows the format is
# recorded to the letter, and none ever fails its statement.  SCHEMAKIT_SEED repeats
# a run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SCHEMAKIT_SEED} // int rand 1_000_000;
srand $seed;
note("SCHEMAKIT_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION schemakit');

sub one_of { return $_[ rand @_ ] }

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

my ($script, @taken) = ('');
for my $i (1 .. 400)
{
	my $feature = one_of(sort keys %keys);
	my $options = options($feature);
	$script .= <<"S";
SAVEPOINT one;
SELECT schemakit.auto_enable('$feature', 'public', 'f%', \$o\$$options\$o\$::jsonb) IS NULL AS "rule $i";
\\if :ERROR
ROLLBACK TO one;
\\else
CREATE TABLE f$i (id int PRIMARY KEY, v text, updated_at timestamptz, deleted_at timestamptz);
\\if :ERROR
\\echo broken: $feature $options
\\endif
CREATE TABLE g$i (v text[], w jsonb); ALTER TABLE g$i ADD COLUMN updated_at date; ALTER TABLE g$i RENAME TO f_g$i;
SELECT count(*) < 0 FROM schemakit.status();
\\if :ERROR
\\echo broken: status() with $feature $options
\\endif
ROLLBACK TO one;
\\echo taken
\\endif
S
}
my ($code, $out, $err) = $node->psql('postgres', "BEGIN;\n$script\nROLLBACK;\n", on_error_stop => 0);
cmp_ok(scalar(() = $out =~ /^taken$/mg), '>', 40, scalar(() = $out =~ /^taken$/mg) . ' of 400 rules with options by chance are taken');
is(join("\n", grep { /^broken/ } split /\n/, $out), '', 'none of them makes a statement fail');
unlike($err, qr/XX000|internal error/, 'and what is refused is refused with reasons');

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
($code, $out, $err) = $node->psql('postgres', $statements);
is($err, '', 'no comment fails its statement');
is($node->safe_psql('postgres', 'SELECT count(*) FROM said'), '700', 'each row is there');
is( $node->safe_psql('postgres', q{SELECT s.id, s.actor, l.actor FROM said s LEFT JOIN schemakit.audit_log l ON l.key = jsonb_build_object('id', s.id)
		WHERE s.id <= 1000 AND l.actor IS DISTINCT FROM s.actor}),
	'', 'and what follows the format is recorded to the letter');

# ---- statements
SKIP:
{
	skip 'not checked: sqlsmith is not installed', 3 unless program('sqlsmith');
	$node->safe_psql('postgres', q{CREATE ROLE smith LOGIN; CREATE SCHEMA AUTHORIZATION smith; ALTER ROLE smith SET search_path = smith; ALTER ROLE smith SET statement_timeout = '2s';
		ALTER ROLE smith SET lock_timeout = '500ms';
		SELECT schemakit.auto_enable(f, 'smith', '%') FROM unnest('{timestamps,audit,soft_delete}'::text[]) AS f;
		SET ROLE smith;
		CREATE TABLE smith.parent (id int PRIMARY KEY, n int, tags text[], doc jsonb, updated_at timestamptz, deleted_at timestamptz);
		CREATE TABLE smith.child (id int PRIMARY KEY, parent int REFERENCES smith.parent ON DELETE CASCADE, amount numeric, at date, span int4range, updated_at timestamp, deleted_at timestamptz);
		INSERT INTO smith.parent SELECT i, i, ARRAY['a'], '{"k": 1}' FROM generate_series(1, 50) AS i; INSERT INTO smith.child SELECT i, i, i, '2026-01-01' FROM generate_series(1, 50) AS i});
	my $offset = -s $node->logfile;
	sqlsmith($node, 'smith', '--max-queries=1500', "--seed=$seed");
	cmp_ok(scalar(() = slurp_file($node->logfile, $offset) =~ /LOG:  statement:/g), '>', 1000, 'statements by sqlsmith');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.status() WHERE state <> 'ok'}), '0', 'after 1500 statements status() finds no fault');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM smith.child c JOIN smith.parent p ON p.id = c.parent WHERE c.deleted_at IS NULL AND p.deleted_at IS NOT NULL}), '0',
		'and no live child has a deleted parent');
}
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server lives');
unlike(slurp_file($node->logfile), qr/TRAP|PANIC|terminated by signal/, 'and nothing has crashed');
$node->stop;
done_testing();
