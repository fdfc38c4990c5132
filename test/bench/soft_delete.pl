# What soft delete costs: DELETE of 100,000 rows from a view of live rows against
# the UPDATE that it stands for and against a real DELETE; of single rows, each
# in its own transaction; and a parent with 100,000 children.  Every round runs
# all on fresh copies of the same table.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;

my $rounds = $ENV{ROUNDS} // 11;
my $rows = $ENV{ROWS} // 100_000;
my $session = Bench->connect($ENV{PGDATABASE} // 'bench');
$session->sql(q{
DROP SCHEMA IF EXISTS bench_soft CASCADE;
CREATE SCHEMA bench_soft;
SET search_path = bench_soft, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemakit;
SET schemakit.timestamps_auto = off});

my $columns = 'id int PRIMARY KEY, name text, email text, status text, amount numeric(10,2), n int, created_at timestamptz, deleted_at timestamptz';
my $values = q{i, 'name ' || i, 'user' || i || '@example.com', 'active', i % 1000, i, now()};

sub new_table
{
	my ($enable) = @_;
	$session->sql("DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t ($columns); INSERT INTO t SELECT $values FROM generate_series(1, $rows) AS i");
	$session->sql(q{SELECT schemakit.soft_delete_enable('t')}) if $enable;
	$session->sql('VACUUM ANALYZE t; CHECKPOINT');
}

my %way = (
	'DELETE from the view' => [ 1, 'DELETE FROM t_live' ],
	'UPDATE of the table' => [ 1, 'UPDATE t SET deleted_at = clock_timestamp() WHERE deleted_at IS NULL' ],
	'UPDATE without soft delete' => [ 0, 'UPDATE t SET deleted_at = clock_timestamp() WHERE deleted_at IS NULL' ],
	'real DELETE' => [ 0, 'DELETE FROM t' ]);
my @names = ('DELETE from the view', 'UPDATE of the table', 'UPDATE without soft delete', 'real DELETE');
my %ms;
sub run
{
	my ($name) = @_;
	new_table($way{$name}[0]);
	my ($cpu, $wall) = $session->measure($way{$name}[1]);
	push @{ $ms{$name}{cpu} }, $cpu;
	push @{ $ms{$name}{wall} }, $wall;
}
run($_) for @names;    # warm up
%ms = ();
for my $round (1 .. $rounds)
{
	run($_) for $round % 2 ? @names : reverse @names;
}

show_machine($session);
print "$rows rows of 8 columns, median of $rounds rounds, middle half in brackets:\n\n",
  "| | CPU ms | wall ms | DELETE from the view against it, CPU | goal |\n|---|---|---|---|---|\n";
for my $name (@names)
{
	my @ratio = map { $ms{$names[0]}{cpu}[$_] / $ms{$name}{cpu}[$_] } 0 .. $rounds - 1;
	printf("| %s | %.0f (%s) | %.0f (%s) | %s | %s |\n", $name,
		(map { (median(@{ $ms{$name}{$_} }), spread('%.0f', @{ $ms{$name}{$_} })) } 'cpu', 'wall'),
		$name eq $names[0] ? '' : sprintf('%.2f (%s)', median(@ratio), spread('%.2f', @ratio)),
		$name eq $names[1] ? bar("soft delete of $rows rows through the view: CPU against the plain UPDATE", '1.3', '%.2f', @ratio) : '');
}

# One parent with many children: rows in one statement, and a real cascade
my %cascade = ('soft' => [], 'real' => []);
for my $round (1 .. $rounds)
{
	for my $kind ($round % 2 ? ('soft', 'real') : ('real', 'soft'))
	{
		$session->sql(qq{DROP TABLE IF EXISTS c, p CASCADE; CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1), (2);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE); INSERT INTO c SELECT i, 1 FROM generate_series(1, $rows) AS i; CREATE INDEX ON c (p)});
		$session->sql(q{SELECT schemakit.soft_delete_enable('p'), schemakit.soft_delete_enable('c')}) if $kind eq 'soft';
		$session->sql('VACUUM ANALYZE p; VACUUM ANALYZE c; CHECKPOINT');
		push @{ $cascade{$kind} }, ($session->measure($kind eq 'soft' ? 'DELETE FROM p_live WHERE id = 1' : 'DELETE FROM p WHERE id = 1'))[0];
	}
}
printf("\nA parent with %d children: CPU %.0f ms softly, %.0f ms really\n", $rows, median(@{ $cascade{soft} }), median(@{ $cascade{real} }));

# Many parents with a child each, so that each looks for its own
my @many;
for my $round (1 .. 3)
{
	$session->sql(qq{DROP TABLE IF EXISTS c, p CASCADE; CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p SELECT generate_series(1, $rows);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE); INSERT INTO c SELECT i, i FROM generate_series(1, $rows) AS i; CREATE INDEX ON c (p)});
	$session->sql(q{SELECT schemakit.soft_delete_enable('p'), schemakit.soft_delete_enable('c')});
	$session->sql('VACUUM ANALYZE p; VACUUM ANALYZE c; CHECKPOINT');
	push @many, [ ($session->measure('DELETE FROM p_live'))[0], ($session->measure('UPDATE p SET deleted_at = NULL'))[0] ];
}
printf("%d parents with a child each: CPU %.1f µs to delete a parent and its child, %.1f to restore them\n",
	$rows, map { my $i = $_; median(map { $_->[$i] } @many) * 1000 / $rows } 0, 1);

# Single rows, each in its own transaction
new_table(1);
$session->sql("CREATE TABLE plain (LIKE t INCLUDING ALL); INSERT INTO plain SELECT * FROM t; VACUUM ANALYZE plain; CREATE SEQUENCE i CYCLE MAXVALUE $rows");
my %script;
for my $kind ('plain', 'view')
{
	$script{$kind} = "/tmp/bench_soft_$$.$kind.sql";
	open(my $f, '>', $script{$kind}) or die;
	print $f $kind eq 'plain' ? "\\set i random(1, $rows)\nUPDATE bench_soft.plain SET deleted_at = clock_timestamp() WHERE id = :i AND deleted_at IS NULL;\n"
	  : "\\set i random(1, $rows)\nDELETE FROM bench_soft.t_live WHERE id = :i;\n";
}
my $transactions = 30_000;
my %us;
for my $round (1 .. $rounds)
{
	for my $kind ($round % 2 ? ('plain', 'view') : ('view', 'plain'))
	{
		$session->sql('UPDATE plain SET deleted_at = NULL WHERE deleted_at IS NOT NULL; UPDATE t SET deleted_at = NULL WHERE deleted_at IS NOT NULL; VACUUM plain; VACUUM t; CHECKPOINT');
		my ($cpu, $wall) = $session->pgbench($script{$kind}, 1, $transactions);
		push @{ $us{$kind}{'server CPU'} }, $cpu;
		push @{ $us{$kind}{wall} }, $wall;
	}
}
unlink values %script;
print "\n| single rows, prepared | plain UPDATE, µs | DELETE from the view | it costs | goal |\n|---|---|---|---|---|\n";
for my $clock ('server CPU', 'wall')
{
	my @cost = map { $us{view}{$clock}[$_] - $us{plain}{$clock}[$_] } 0 .. $rounds - 1;
	printf("| %s | %.1f | %.1f | %.1f (%s) | %s |\n", $clock, median(@{ $us{plain}{$clock} }), median(@{ $us{view}{$clock} }),
		median(@cost), spread('%.1f', @cost), bar("soft delete of one row through the view, $clock: µs more than the plain UPDATE", 10, '%.1f', @cost));
}
