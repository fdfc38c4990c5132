# What the audit log costs: INSERT, UPDATE of one column and DELETE of 100,000
# rows, COPY, wide rows, single rows by pgbench, bytes for each event, and how
# long it takes to read the history of a row in a large log.
#
# Against nothing; against the floor, which is INSERT ... SELECT of the same
# finished events into a table like the log's with the same indexes; against a
# PL/pgSQL trigger that stores to_jsonb(OLD) and to_jsonb(NEW); and against
# table_log and periods, where they are installed.  Every round runs all of them
# on fresh copies of the same table.  BENCH_HISTORY=0 leaves the large log out.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;

my $rounds = $ENV{ROUNDS} // 7;
my $rows = $ENV{ROWS} // 100_000;
my $session = new_session();
my $columns = 'id int PRIMARY KEY, a text, b text, c text, n numeric, doc jsonb, t1 timestamptz, t2 timestamptz';
my $values = q{i, 'name ' || i, 'user' || i || '@example.com', 'some text', i / 100.0, '{"a": 1, "b": [1, 2]}', now(), now()};

sub new_session
{
	my $new = Bench->connect($ENV{PGDATABASE} // 'bench');
	$new->sql(q{SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS schemakit;
		SET schemakit.timestamps_auto = off; SET schemakit.audit_writable = on; SET search_path = bench_audit, public});
	return $new;
}

$session->sql(q{
DROP SCHEMA IF EXISTS bench_audit CASCADE;
CREATE SCHEMA bench_audit;
-- the floor: the log's structure, with one partition
CREATE TABLE floor (LIKE schemakit.audit_event) PARTITION BY RANGE (at);
CREATE TABLE floor_leaf PARTITION OF floor FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
CREATE INDEX ON floor_leaf (key_hash);
CREATE INDEX ON floor_leaf USING brin (txn_id, at, changed_at) WITH (autosummarize = on);
CREATE UNLOGGED TABLE staged (LIKE schemakit.audit_event);
CREATE TABLE by_hand (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), who text DEFAULT current_user,
    rel text, op text, old jsonb, new jsonb);
CREATE FUNCTION by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench_audit.by_hand (rel, op, old, new)
    VALUES (TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END$$});

sub has { $session->sql("SELECT count(*) FROM pg_available_extensions WHERE name = '$_[0]'") }
$session->sql("CREATE EXTENSION IF NOT EXISTS $_ CASCADE") for grep { has($_) } 'table_log', 'periods';

# What makes a table be audited; "none" comes first.
my %enable = (
	'none' => '',
	'schemakit' => q{SELECT schemakit.audit_enable('t')},
	'PL/pgSQL' => 'CREATE TRIGGER by_hand AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION by_hand()',
	'table_log' => q{SELECT table_log_init(5, 'bench_audit', 't', 'bench_audit', 't_log')},
	'periods' => q{SELECT periods.add_system_time_period('t'); SELECT periods.add_system_versioning('t')});
my @names = ('none', 'schemakit', 'PL/pgSQL', grep { has($_) } 'table_log', 'periods');
my @ops = ('INSERT', 'UPDATE', 'DELETE');
my %statement = (
	INSERT => "INSERT INTO t SELECT $values FROM generate_series(1, $rows) AS i",
	UPDATE => 'UPDATE t SET n = n + 1',
	DELETE => 'DELETE FROM t');

sub new_table
{
	my ($name, $definition) = @_;
	$session->sql(q{DO $$BEGIN PERFORM periods.drop_system_versioning('t', drop_behavior => 'CASCADE', purge => true);
		EXCEPTION WHEN OTHERS THEN NULL; END$$});
	$session->sql("DROP TABLE IF EXISTS t, t_log CASCADE; DROP SEQUENCE IF EXISTS t_log_seq; CREATE TABLE t ($definition)");
	$session->sql($enable{$name}) if $enable{$name};
}

# CPU and wall time of the three operations, and of writing the same events.
my (%cpu, %wall);
sub record
{
	my ($op, $name, $cpu, $wall) = @_;
	push @{ $cpu{$op}{$name} }, $cpu;
	push @{ $wall{$op}{$name} }, $wall;
}
sub floor_of
{
	my ($op) = @_;
	$session->sql('TRUNCATE staged, floor; INSERT INTO staged SELECT * FROM schemakit.audit_event; CHECKPOINT');
	record($op, 'floor', $session->measure('INSERT INTO floor SELECT * FROM staged'));
}
sub run
{
	my ($name) = @_;
	new_table($name, $columns);
	for my $op (@ops)
	{
		$session->sql('TRUNCATE schemakit.audit_event, by_hand; CHECKPOINT');
		record($op, $name, $session->measure($statement{$op}));
		floor_of($op) if $name eq 'schemakit';
		$session->sql('VACUUM ANALYZE t');
	}
	# periods keeps a plan for each row, which slows down all that follows
	$session = new_session() if $name eq 'periods';
}

run($_) for 'none', 'schemakit';    # warm up
%cpu = %wall = ();
for my $round (1 .. $rounds)
{
	for my $name ($round % 2 ? @names : reverse @names)
	{
		run($name) unless $name =~ /table_log|periods/ && $round > 3;    # they take long
	}
}

sub overheads
{
	my ($op, $name) = @_;
	my $with = $cpu{$op}{$name};
	return @$with if $name eq 'floor';
	return map { $with->[$_] - $cpu{$op}{none}[$_] } 0 .. $#$with;
}

show_machine($session);
print "$rows rows of 8 columns, median of $rounds rounds (table_log, periods: of 3):\n\n";
print "| | audit | CPU ms | middle half | wall ms | overhead, CPU µs per row | overhead of schemakit against it | goal |\n|---|---|---|---|---|---|---|---|\n";
for my $op (@ops)
{
	my @ours = overheads($op, 'schemakit');
	for my $name ('none', 'floor', grep { $_ ne 'none' } @names)
	{
		my @theirs = overheads($op, $name);
		my @ratio = map { $ours[$_] / $theirs[$_] } grep { $_ <= $#ours && $theirs[$_] } 0 .. $#theirs;
		printf("| %s | %s | %.0f | %s | %.0f | %s | %s | %s |\n",
			$op, $name, median(@{ $cpu{$op}{$name} }), spread('%.0f', @{ $cpu{$op}{$name} }), median(@{ $wall{$op}{$name} }),
			$name eq 'none' ? '' : sprintf('%.2f', median(@theirs) * 1000 / $rows),
			$name =~ /^(none|schemakit)$/ ? '' : sprintf('%.2f (%s)', median(@ratio), spread('%.2f', @ratio)),
			{ floor => '1.5', 'PL/pgSQL' => '0.25' }->{$name} // '');
	}
}

# Bytes, of the UPDATE of one column
new_table('none', $columns);
$session->sql("$statement{INSERT}; $enable{schemakit}; TRUNCATE schemakit.audit_event; $statement{UPDATE}");
my ($bytes) = $session->sql(q{SELECT sum(pg_total_relation_size(oid)) / (SELECT count(*) FROM schemakit.audit_event)
	FROM pg_class WHERE relname LIKE 'audit\_event%' AND relkind = 'r'});
printf("\nBytes for each UPDATE of one column, with indexes: %.0f (goal: 200)\n", $bytes);

# Other kinds of work: "none" and "schemakit" in turn
sub compare
{
	my ($title, $rows_of, $definition, $fill, $statement) = @_;
	my %ms;
	for my $round (1 .. $rounds)
	{
		for my $name ($round % 2 ? ('none', 'schemakit') : ('schemakit', 'none'))
		{
			new_table('none', $definition);
			$session->sql($fill) if $fill;
			$session->sql($enable{$name}) if $enable{$name};
			$session->sql('TRUNCATE schemakit.audit_event; CHECKPOINT');
			push @{ $ms{$name} }, ($session->measure($statement))[0];
		}
	}
	my @overhead = map { ($ms{schemakit}[$_] - $ms{none}[$_]) * 1000 / $rows_of } 0 .. $rounds - 1;
	printf("| %s | %.0f | %.0f | %.2f (%s) |\n", $title, median(@{ $ms{none} }), median(@{ $ms{schemakit} }), median(@overhead), spread('%.2f', @overhead));
}
my $wide = join(', ', 'id int PRIMARY KEY', map { "c$_ text" } 1 .. 49);
my $wide_values = join(', ', 'i', map { "'value $_ of ' || i" } 1 .. 49);
my $file = "$ENV{PGHOST}/rows.copy";
$session->sql("CREATE TABLE source ($columns); INSERT INTO source SELECT $values FROM generate_series(1, $rows) AS i; COPY source TO '$file'; DROP TABLE source");
print "\n| | CPU ms without | with | overhead, CPU µs per row |\n|---|---|---|---|\n";
compare("COPY of $rows rows", $rows, $columns, '', "COPY t FROM '$file'");
compare('UPDATE of one of 50 columns, 20000 rows', 20_000, $wide, "INSERT INTO t SELECT $wide_values FROM generate_series(1, 20000) AS i", q{UPDATE t SET c25 = 'new ' || id});
unlink $file;

# Single rows, each in its own transaction
new_table('none', $columns);
$session->sql("CREATE TABLE plain (LIKE t INCLUDING ALL); INSERT INTO plain SELECT $values FROM generate_series(1, 10000) AS i; INSERT INTO t SELECT * FROM plain; $enable{schemakit}; VACUUM ANALYZE");
my %script;
for my $table ('plain', 't')
{
	$script{$table} = "$ENV{PGHOST}/$table.sql";
	open(my $f, '>', $script{$table}) or die;
	print $f "\\set i random(1, 10000)\nUPDATE bench_audit.$table SET n = n + 1 WHERE id = :i;\n";
}
print "\n| single-row UPDATE, prepared | µs for each transaction without | with | overhead | goal |\n|---|---|---|---|---|\n";
for my $clients (1, 8)
{
	my %us;
	for my $round (1 .. 5)
	{
		for my $table ($round % 2 ? ('plain', 't') : ('t', 'plain'))
		{
			my $out = `pgbench -n -M prepared -c $clients -j 2 -T 3 -f $script{$table} 2>&1`;
			my ($tps) = $out =~ /tps = ([\d.]+)/ or die $out;
			push @{ $us{$table} }, 1e6 / $tps;
		}
	}
	my @overhead = map { $us{t}[$_] - $us{plain}[$_] } 0 .. 4;
	printf("| %d client%s | %.1f | %.1f | %.1f (%s) | %s |\n", $clients, $clients > 1 ? 's' : '', median(@{ $us{plain} }), median(@{ $us{t} }),
		median(@overhead), spread('%.1f', @overhead), $clients > 1 ? '' : '15');
}

# A large log: ten million events of a million rows
if ($ENV{BENCH_HISTORY} // 1)
{
	my $many = $ENV{HISTORY_ROWS} // 1_000_000;
	new_table('none', 'id int PRIMARY KEY, v int, s text');
	$session->sql("TRUNCATE schemakit.audit_event; INSERT INTO t SELECT i, 0, 'row ' || i FROM generate_series(1, $many) AS i; $enable{schemakit}");
	for my $n (1 .. 10)
	{
		$session->sql('UPDATE t SET v = v + 1; VACUUM t');
		$session->sql('CREATE TABLE moment AS SELECT clock_timestamp() AS at') if $n == 5;
	}
	$session->sql('VACUUM ANALYZE schemakit.audit_event; VACUUM ANALYZE t; ANALYZE schemakit.audit_shape; ANALYZE schemakit.audit_txn');
	$session->sql(q{CREATE FUNCTION timed(query text, many int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE took float8[]; since timestamptz; id int;
BEGIN
    FOR i IN 1..200 LOOP
        id := 1 + floor(random() * many)::int;
        since := clock_timestamp();
        EXECUTE format(query, id);
        took[i] := extract(epoch FROM clock_timestamp() - since) * 1000;
    END LOOP;
    RETURN percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM unnest(took) AS x;
END$$});
	my $events = $session->sql('SELECT count(*) FROM schemakit.audit_event');
	print "\n| in a log of $events events | ms, median of 200 | goal |\n|---|---|---|\n";
	for (['the history of one row', q{SELECT count(*) FROM schemakit.audit_history('t', '{"id": %s}')}],
		 ['one row as it was', q{SELECT count(*) FROM schemakit.audit_as_of(NULL::t, (SELECT at FROM moment), '{"id": %s}')}])
	{
		my ($title, $query) = @$_;
		$query =~ s/'/''/g;
		printf("| %s | %.2f | 1 |\n", $title, $session->sql("SELECT timed('$query', $many)"));
	}
	my ($cpu, $wall) = $session->measure('SELECT count(*), sum(v) FROM schemakit.audit_as_of(NULL::t, (SELECT at FROM moment))');
	printf("| all %d rows as they were | %.0f | |\n", $many, $wall);
}
new_table('none', 'id int');
$session->sql('DROP SCHEMA bench_audit CASCADE; TRUNCATE schemakit.audit_event, schemakit.audit_txn');
