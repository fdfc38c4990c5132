# What the event triggers cost: CREATE TABLE in a database with schemakit and
# in one without, in batches that alternate; the catalogs are vacuumed
# after each.  The plain table has no column to
# maintain; the other one gets its trigger, and is compared with making the
# same trigger by hand.  DROP TABLE is not measured.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;

my $rounds = $ENV{ROUNDS} // 61;
my $batch = $ENV{BATCH} // 100;
my $db = $ENV{PGDATABASE} // 'bench';
my $admin = Bench->connect($db);
my %session;
my $columns = 'id int PRIMARY KEY, name text, email text, status text, amount numeric(10,2), n int, created_at timestamptz';

for my $twin ('without', 'with')
{
	$admin->sql("DROP DATABASE IF EXISTS bench_$twin");
	$admin->sql("CREATE DATABASE bench_$twin");
	$session{$twin} = Bench->connect("bench_$twin");
	$session{$twin}->sql(q{SET client_min_messages = warning;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'});
}
$session{with}->sql('CREATE EXTENSION schemakit');

my @cases = (
	['no column to maintain, against no schemakit', "CREATE TABLE t%s ($columns, m int)",
		"CREATE TABLE t%s ($columns, m int)"],
	['trigger attached, against no schemakit and no trigger', "CREATE TABLE t%s ($columns, updated_at timestamptz)",
		"CREATE TABLE t%s ($columns, updated_at timestamptz)"],
	['trigger attached, against no schemakit and CREATE TRIGGER by hand', "CREATE TABLE t%s ($columns, updated_at timestamptz)",
		"CREATE TABLE t%s ($columns, updated_at timestamptz); CREATE TRIGGER t BEFORE UPDATE ON t%s FOR EACH ROW EXECUTE FUNCTION f()"]);

sub run
{
	my ($twin, $statement) = @_;
	my $script = join(";\n", map { my $s = $statement; $s =~ s/%s/$_/g; $s } 1 .. $batch);
	my ($cpu, $wall) = $session{$twin}->measure($script);
	$session{$twin}->sql(join(";\n", map { "DROP TABLE t$_" } 1 .. $batch));
	$session{$twin}->sql('VACUUM pg_class, pg_attribute, pg_attrdef, pg_constraint, pg_depend, pg_shdepend, pg_index, pg_trigger, pg_type');
	return ($cpu, $wall);
}

show_machine($admin);
print "CREATE TABLE of 8 columns, batches of $batch, median of $rounds rounds:\n\n";
print "| CREATE TABLE | without, CPU µs | with, CPU µs | ratio | middle half | wall ratio | goal |\n|---|---|---|---|---|---|---|\n";
for my $case (@cases)
{
	my ($name, $with, $without) = @$case;
	my (@with, @without, @ratio, @wall);
	run('with', $with), run('without', $without) for 1 .. 2;    # warm up
	for my $round (1 .. $rounds)
	{
		my %cpu;
		my %wall;
		for my $twin ($round % 2 ? ('with', 'without') : ('without', 'with'))
		{
			($cpu{$twin}, $wall{$twin}) = run($twin, $twin eq 'with' ? $with : $without);
		}
		push @with, $cpu{with} * 1000 / $batch;
		push @without, $cpu{without} * 1000 / $batch;
		push @ratio, $cpu{with} / $cpu{without};
		push @wall, $wall{with} / $wall{without};
	}
	printf("| %s | %.0f | %.0f | %.2f | %s | %.2f | %s |\n", $name, median(@without), median(@with),
		median(@ratio), spread('%.2f', @ratio), median(@wall), bar("CREATE TABLE, $name: CPU", '1.10', '%.2f', @ratio));
}
undef %session;
