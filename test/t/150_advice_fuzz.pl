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
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit;
	CREATE TABLE item (id int PRIMARY KEY, owner int, code text, made timestamptz, price numeric, tags int[], doc jsonb, span int4range);
	INSERT INTO item SELECT i, i % 100, 'code' || i, now() - i * interval '1 hour', i / 7.0, ARRAY[i % 9], jsonb_build_object('k', i % 50), int4range(i, i + 5) FROM generate_series(1, 5000) AS i;
	CREATE TABLE part (at date, item int REFERENCES item, note varchar(20)) PARTITION BY RANGE (at);
	CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
	CREATE TABLE part_2 PARTITION OF part DEFAULT;
	INSERT INTO part SELECT date '2026-01-01' + i % 60, 1 + i % 5000, 'n' || i FROM generate_series(1, 5000) AS i;
	CREATE VIEW seen AS SELECT i.*, p.at FROM item i JOIN part p ON p.item = i.id WHERE i.owner > 3;
	ANALYZE});
my @indexes = map { "'CREATE INDEX ON $_'" } 'item (owner, made DESC)', 'item (lower(code))', 'item USING gin (tags)', 'item USING gin (doc jsonb_path_ops)',
  'item USING gist (span)', 'item USING brin (made)', 'item USING hash (code)', 'item (price) WHERE owner = 7', 'item (id) INCLUDE (code)', 'part (item, at)', 'part (note text_pattern_ops)';

my $out = sqlsmith($node, $node->safe_psql('postgres', 'SELECT current_user'), '--dry-run', "--max-queries=$statements", "--seed=$seed");
my @texts = grep { /\S/ && !/\$t\$/ } split /;\s*\n/, $out;
cmp_ok(scalar @texts, '>', $statements / 2, scalar @texts . ' statements');

sub damaged
{
	my ($text) = @_;
	my ($n, @words) = (0);
	my $how = int rand 5;
	$text =~ s/\b\d+\b|'[^']*'/'$' . ++$n/ge if $how < 2;
	if ($how == 2 || $how == 3)
	{
		@words = split /(\s+)/, $text;
		splice @words, rand @words, 2 for 1 .. 2;
		@words[ rand @words, rand @words ] = @words[ rand @words, rand @words ] if @words > 3;
		$text = join '', map { $_ // '' } @words;
	}
	$text = substr $text, 0, rand length $text if $how == 4;
	return $text;
}

my ($script, @batch) = ('SET statement_timeout = 30000;');
for my $text (map { ($_, damaged($_)) } @texts)
{
	my $indexes = join ', ', map { $indexes[ rand @indexes ] } 1 .. rand 4;
	$script .= "SELECT count(*) FROM schemakit.explain_with_indexes(\$t\$$text\$t\$, ARRAY[$indexes]::text[]);\n";
	push @batch, "\$t\$$text\$t\$";
	next if @batch < 10;
	$script .= 'SELECT schemakit.advise_indexes_report(ARRAY[' . join(', ', @batch) . "], min_table_size => 0) -> 'coverage' ->> 'planned';\n";
	@batch = ();
}
my ($code, $answers) = $node->psql('postgres', $script, on_error_stop => 0);
my @planned = grep { /^\d+$/ } split /\n/, $answers // '';
cmp_ok(scalar @planned, '>', 10, scalar @planned . ' answers');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server lives');
my @trouble = grep { /TRAP|PANIC|terminated by signal|XX000/ } split /\n/, slurp_file($node->logfile);
is("@trouble", '', 'nothing is broken');
$node->stop;
done_testing();
