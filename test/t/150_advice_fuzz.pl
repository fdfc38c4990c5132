# Statements that nobody would write, from sqlsmith, and what is left of them when
# constants are lost and words are missing: whatever the text is, advice on it is an
# answer or an error.  SCHEMAKIT_SEED repeats a run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'not checked: sqlsmith is not installed' unless program('sqlsmith');
my $seed = $ENV{SCHEMAKIT_SEED} // int rand 1_000_000;
my $statements = $ENV{SCHEMAKIT_STATEMENTS} // 300;
srand $seed;
note("SCHEMAKIT_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# verbose: an error's SQLSTATE and place are in the log
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nlog_error_verbosity = verbose");
$node->start;
my $tables = q{CREATE EXTENSION schemakit;
	CREATE TABLE item (id int PRIMARY KEY, owner int, code text, made timestamptz, price numeric, tags int[], doc jsonb, span int4range);
	INSERT INTO item SELECT i, i % 100, 'code' || i, now() - i * interval '1 hour', i / 7.0, ARRAY[i % 9], jsonb_build_object('k', i % 50), int4range(i, i + 5) FROM generate_series(1, 5000) AS i;
	CREATE TABLE part (at date, item int REFERENCES item, note varchar(20)) PARTITION BY RANGE (at);
	CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
	CREATE TABLE part_2 PARTITION OF part DEFAULT;
	INSERT INTO part SELECT date '2026-01-01' + i % 60, 1 + i % 5000, 'n' || i FROM generate_series(1, 5000) AS i;
	CREATE VIEW seen AS SELECT i.*, p.at FROM item i JOIN part p ON p.item = i.id WHERE i.owner > 3;
	ANALYZE};
$node->safe_psql('postgres', $tables);
my @indexes = map { "'CREATE INDEX ON $_'" } 'item (owner, made DESC)', 'item (lower(code))', 'item USING gin (tags)', 'item USING gin (doc jsonb_path_ops)',
  'item USING gist (span)', 'item USING brin (made)', 'item USING hash (code)', 'item (price) WHERE owner = 7', 'item (id) INCLUDE (code)', 'part (item, at)', 'part (note text_pattern_ops)';

my $made = sqlsmith($node, $node->safe_psql('postgres', 'SELECT current_user'), '--dry-run', "--max-queries=$statements", "--seed=$seed");
my @texts = grep { /\S/ && !/\$t\$/ } split /;\s*\n/, $made;
cmp_ok(scalar @texts, '>', $statements / 2, scalar @texts . ' statements');

# Bytes in the middle: characters, which are fine, or what is none in UTF-8.
sub with_bytes
{
	my ($text, $valid) = @_;
	my $bytes = join '', map { chr(0xa0 + int rand 0xd000) } 1 .. 1 + rand 3;
	utf8::encode($bytes);
	$bytes = substr $bytes, 0, -1 unless $valid;
	substr $text, rand length $text, 0, $bytes;
	return $text;
}

sub damaged
{
	my ($text) = @_;
	my ($n, @words) = (0);
	my $how = int rand 7;
	$text =~ s/\b\d+\b|'[^']*'/'$' . ++$n/ge if $how < 2;
	if ($how == 2 || $how == 3)
	{
		@words = split /(\s+)/, $text;
		splice @words, rand @words, 2 for 1 .. 2;
		@words[ rand @words, rand @words ] = @words[ rand @words, rand @words ] if @words > 3;
		$text = join '', map { $_ // '' } @words;
	}
	$text = substr $text, 0, rand length $text if $how == 4;
	$text = with_bytes($text, 1) if $how == 5;
	# what needs not be there: EXPLAIN takes it if it takes the whole text
	$text =~ s{(\s+)}{rand() < 0.2 ? "$1/* " . int(rand 1000) . ' */ ' : $1}ge if $how == 6;
	return $text;
}

# psql tells what became of each call: "explained", the number of its text and the
# SQLSTATE; and of EXPLAIN of the same text: "plain".  What fails while advice is made
# is in the report: "advised", with the number of the first text and how many were
# planned or are no queries, and "skipped".
my @all = map { ($_, damaged($_)) } @texts;
my ($script, @batch) = ('SET statement_timeout = 30000;');
for my $i (0 .. $#all)
{
	my $indexes = join ', ', map { $indexes[ rand @indexes ] } 1 .. rand 4;
	my $text = "\$t\$$all[$i]\$t\$";
	# EXPLAIN knows of no parameters; what the planner cannot do with them, it cannot with nulls
	my $plain = $text =~ s/\$\d+/NULL/gr;
	$script .= "SELECT count(*) FROM schemakit.explain_with_indexes($text, ARRAY[$indexes]::text[]);\n\\echo explained $i :SQLSTATE\n"
	  . "DO \$do\$BEGIN EXECUTE 'EXPLAIN ' || $plain; END\$do\$;\n\\echo plain $i :SQLSTATE\n";
	push @batch, $text;
	next if @batch < 10 && $i < $#all;
	my $first = $i - $#batch;
	$script .= "WITH report AS MATERIALIZED (SELECT r FROM schemakit.advise_indexes_report(ARRAY[" . join(', ', @batch) . "]) AS r)\n"
	  . "SELECT format('advised $first %s %s', r -> 'coverage' ->> 'planned', r -> 'coverage' ->> 'utility') FROM report UNION ALL\n"
	  . "SELECT format('skipped %s %s', $first + (s ->> 'query')::int - 1, s ->> 'sqlstate') FROM report, jsonb_array_elements(r -> 'skipped') AS s;\n";
	@batch = ();
}
my ($code, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
my (%explained, %plain, %skipped);
my ($planned, $utility) = (0, 0);
for (split /\n/, $out // '')
{
	$explained{$1} = $2 if /^explained (\d+) (\w{5})$/;
	$plain{$1} = $2 if /^plain (\d+) (\w{5})$/;
	$skipped{$1} = $2 if /^skipped (\d+) (\w{5})$/;
	$planned += $1, $utility += $2 if /^advised \d+ (\d+) (\d+)$/;
}
is(scalar(keys %explained), scalar @all, 'each text has an answer');
is($planned + $utility + keys %skipped, scalar @all, 'and is planned or skipped where advice is made');
# sqlsmith does not know all about types: half of what it writes cannot be planned
my @whole = grep { !($_ % 2) && $explained{$_} eq '00000' } keys %explained;
my @damaged = grep { $_ % 2 && $explained{$_} eq '00000' } keys %explained;
note(scalar(@whole) . ' whole and ' . scalar(@damaged) . " damaged texts are explained; $planned are planned for advice, " . keys(%skipped) . ' are skipped');
cmp_ok(scalar @whole, '>', @texts / 4, scalar(@whole) . ' texts of sqlsmith are explained');
cmp_ok(scalar @damaged, '>', @texts / 60, scalar(@damaged) . ' damaged ones are');
cmp_ok($planned, '>', @all / 7, "$planned are planned for advice");
# parameters are what EXPLAIN does not know
is( join("\n", map { "$explained{$_} $plain{$_}: $all[$_]" } grep { $explained{$_} ne $plain{$_} && ($_ % 2 == 0 || $explained{$_} eq '00000' || $plain{$_} eq '00000') && $all[$_] !~ /\$\d/ } sort { $a <=> $b } keys %explained),
	'', 'and what EXPLAIN can explain, and nothing else');

# Bytes that are no characters do not come so far, but where a database takes any
$node->safe_psql('postgres', q{CREATE DATABASE bytes TEMPLATE template0 ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C'});
$node->safe_psql('bytes', $tables);
$script = '';
for my $i (0 .. 59)
{
	my $text = with_bytes(rand() < 0.3 ? $texts[ rand @texts ] : "SELECT * FROM item WHERE code = 'a' AND owner = 3 /* of all */ AND \"code\" LIKE 'b%' ORDER BY made", 0);
	$script .= "SELECT count(*) FROM schemakit.explain_with_indexes(\$t\$$text\$t\$, ARRAY[\$t\$CREATE INDEX ON item (code) WHERE code <> '\xe2\x82'\$t\$]);\n\\echo bytes :SQLSTATE\n"
	  . "SELECT count(schemakit.advise_indexes_report(ARRAY[\$t\$$text\$t\$]));\n\\echo bytes :SQLSTATE\n";
}
($code, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
is(scalar(() = $out =~ /^bytes 22021$/mg), 120, 'what is no character in UTF-8 is refused');
($code, $out, $err) = $node->psql('bytes', $script, on_error_stop => 0);
is(scalar(() = $out =~ /^bytes \w{5}$/mg), 120, 'where any byte is taken, each text has an answer');
cmp_ok(scalar(() = $out =~ /^bytes 00000$/mg), '>', 30, scalar(() = $out =~ /^bytes 00000$/mg) . ' of 120 are advice');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server lives');
# what is said of a text is compared with EXPLAIN above
is(internal_errors($node, sub { $_[0] =~ /explain_with_indexes|EXECUTE 'EXPLAIN '/ }), '', 'nothing is broken');
is(join("\n", map { "$skipped{$_}: $all[$_]" } grep { $skipped{$_} =~ /^XX/ && $plain{$_} !~ /^XX/ } sort keys %skipped), '', 'and no text is skipped for an internal error that EXPLAIN does not have');
$node->stop;
done_testing();
