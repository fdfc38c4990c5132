# What the audit log costs: INSERT, UPDATE of one column and DELETE of 100,000
# rows, COPY, wide rows, single rows by pgbench, bytes for each event, and how
# long it takes to read the history of a row in a large log.
#
# Against nothing; against the floor, which is INSERT ... SELECT of the same
# finished events into a table like the log's with the same indexes, through the
# partitioned table as a user would and straight into the partition; against a
# PL/pgSQL trigger that stores to_jsonb(OLD) and to_jsonb(NEW); and against
# table_log, periods and supa_audit, where they are installed.  Every round runs all of them
# on fresh copies of the same table, and what one costs is its time less that
# without audit in the same round.  BENCH_HISTORY=0 leaves the large log out.
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
SELECT schemakit.audit_maintain();
DROP SCHEMA IF EXISTS bench_audit CASCADE;
CREATE SCHEMA bench_audit;
-- the floor: the log's structure, with one partition
CREATE TABLE floor (LIKE schemakit.audit_event) PARTITION BY RANGE (at);
CREATE TABLE floor_leaf PARTITION OF floor FOR VALUES FROM ('2000-01-01') TO ('2100-01-01');
CREATE UNLOGGED TABLE staged (LIKE schemakit.audit_event);
CREATE TABLE by_hand (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), who text DEFAULT current_user,
    rel text, op text, old jsonb, new jsonb);
CREATE FUNCTION by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench_audit.by_hand (rel, op, old, new)
    VALUES (TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END$$});
$session->sql("CREATE INDEX ON floor_leaf $_") for split /\n/, $session->sql(q{
SELECT substring(pg_get_indexdef(indexrelid) FROM ' (USING .*)') FROM pg_index WHERE indrelid = 'schemakit.audit_event_default'::regclass});

sub has { $session->sql("SELECT count(*) FROM pg_available_extensions WHERE name = '$_[0]'") }
my @others = ('table_log', 'supa_audit', 'periods');    # they take long, so they get fewer rounds
my $other_rounds = $rounds < 3 ? $rounds : 3;
my %is_other = map { $_ => 1 } @others;
my @missing = grep { !has($_) } @others;
$session->sql("CREATE EXTENSION IF NOT EXISTS $_ CASCADE") for grep { has($_) } @others;

# What makes a table be audited; "none" comes first.
my %enable = (
	'none' => '',
	'schemakit' => q{SELECT schemakit.audit_enable('t')},
	'PL/pgSQL' => 'CREATE TRIGGER by_hand AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION by_hand()',
	'table_log' => q{SELECT table_log_init(5, 'bench_audit', 't', 'bench_audit', 't_log')},
	'supa_audit' => q{SELECT audit.enable_tracking('t')},
	'periods' => q{SELECT periods.add_system_time_period('t'); SELECT periods.add_system_versioning('t')});
my @names = ('none', 'schemakit', 'PL/pgSQL', grep { has($_) } @others);
my @floors = ('floor', 'floor_leaf');
my %title = (floor => 'the floor', floor_leaf => 'the floor, into the partition');
my %goal = (
	INSERT => { floor => 1.3, 'PL/pgSQL' => 0.25, supa_audit => 0.04 },
	UPDATE => { floor => 1.4, 'PL/pgSQL' => 0.17, supa_audit => 0.04 },
	DELETE => { floor => 1.3, 'PL/pgSQL' => 0.25, supa_audit => 0.04 });
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
my %ms;
sub record
{
	my ($op, $name, $cpu, $wall) = @_;
	push @{ $ms{$op}{$name}{cpu} }, $cpu;
	push @{ $ms{$op}{$name}{wall} }, $wall;
}
sub write_floor
{
	my ($op) = @_;
	# VACUUM, because the first to read a row would have to write down that it may be read
	$session->sql('TRUNCATE staged; INSERT INTO staged SELECT * FROM schemakit.audit_event; VACUUM staged');
	my $events = $session->sql('SELECT count(*) FROM staged WHERE op <> \'C\'');
	die "$events events of $rows rows\n" if $events != $rows;
	for my $floor (@floors)
	{
		$session->sql('TRUNCATE floor; CHECKPOINT');
		record($op, $floor, $session->measure("INSERT INTO $floor SELECT * FROM staged"));
	}
	@floors = reverse @floors;
}
sub run
{
	my ($name) = @_;
	new_table($name, $columns);
	for my $op (@ops)
	{
		$session->sql('TRUNCATE schemakit.audit_event, by_hand; CHECKPOINT');
		record($op, $name, $session->measure($statement{$op}));
		write_floor($op) if $name eq 'schemakit';
		$session->sql('VACUUM ANALYZE t');
	}
	# periods keeps a plan for each row, which slows down all that follows
	$session = new_session() if $name eq 'periods';
}

run($_) for 'none', 'schemakit';    # warm up
%ms = ();
for my $round (1 .. $rounds)
{
	for my $name ($round % 2 ? @names : reverse @names)
	{
		run($name) unless $is_other{$name} && $round > $other_rounds;
	}
}

# What auditing costs, for each round; the floor is all cost.
sub overheads
{
	my ($op, $name, $clock) = @_;
	my $with = $ms{$op}{$name}{$clock};
	return @$with if $name =~ /^floor/;
	return map { $with->[$_] - $ms{$op}{none}{$clock}[$_] } 0 .. $#$with;
}
sub ratios
{
	my ($op, $name, $clock) = @_;
	my @ours = overheads($op, 'schemakit', $clock);
	my @theirs = overheads($op, $name, $clock);
	return map { $ours[$_] / $theirs[$_] } 0 .. $#theirs;
}
sub per_row { sprintf('%.2f', median(overheads(@_)) * 1000 / $rows) }
sub show_ratios { sprintf('%.2f (%s)', median(@_), spread('%.2f', @_)) }

show_machine($session);
print "$rows rows of 8 columns, median of $rounds rounds (", join(', ', @others), ": of $other_rounds), middle half in brackets:\n\n",
  "| | audit | CPU ms | wall ms | it costs, CPU µs per row | wall | the cost of schemakit against its, CPU | wall | goal |\n",
  "|---|---|---|---|---|---|---|---|---|\n";
for my $op (@ops)
{
	for my $name ('none', 'schemakit', sort(@floors), grep { !/none|schemakit/ } @names)
	{
		my $its = $ms{$op}{$name};
		my $compared = $name !~ /^(none|schemakit)$/;
		printf("| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", $op, $title{$name} // $name,
			(map { sprintf('%.0f (%s)', median(@{ $its->{$_} }), spread('%.0f', @{ $its->{$_} })) } 'cpu', 'wall'),
			(map { $name eq 'none' ? '' : per_row($op, $name, $_) } 'cpu', 'wall'),
			(map { $compared ? show_ratios(ratios($op, $name, $_)) : '' } 'cpu', 'wall'),
			$goal{$op}{$name} ? bar("audit, $op of $rows rows: CPU overhead against " . ($title{$name} // $name), $goal{$op}{$name}, '%.2f', ratios($op, $name, 'cpu')) : '');
	}
	print "| $op | $_ | not installed | | | | | | |\n" for @missing;
}

# Bytes, of the UPDATE of one column
sub bytes
{
	my ($log, $events) = @_;
	return split /\|/, $session->sql(qq{
SELECT pg_table_size(leaf) / $events.0, pg_indexes_size(leaf) / $events.0 FROM (SELECT DISTINCT tableoid FROM schemakit.$log) AS l (leaf)});
}
new_table('none', $columns);
$session->sql("$statement{INSERT}; $enable{schemakit}; TRUNCATE schemakit.audit_event; $statement{UPDATE}");
my ($table, $index) = bytes('audit_event', $rows);
printf("\nBytes for each UPDATE of one column: %.0f, of that indexes %.0f (goal: %s)\n",
	$table + $index, $index, bar('audit, bytes for an UPDATE of one of 8 columns, indexes included', 170, '%.0f', $table + $index));

# Other kinds of work: "none" and "schemakit" in turn
sub compare
{
	my ($title, $rows_of, $definition, $fill, $statement) = @_;
	my %took;
	for my $round (1 .. $rounds)
	{
		for my $name ($round % 2 ? ('none', 'schemakit') : ('schemakit', 'none'))
		{
			new_table('none', $definition);
			$session->sql("$fill; VACUUM ANALYZE t") if $fill;
			$session->sql($enable{$name}) if $enable{$name};
			$session->sql('TRUNCATE schemakit.audit_event; CHECKPOINT');
			my ($cpu, $wall) = $session->measure($statement);
			push @{ $took{cpu}{$name} }, $cpu;
			push @{ $took{wall}{$name} }, $wall;
		}
	}
	printf("| %s |%s\n", $title, join '', map {
		my $clock = $took{$_};
		my @cost = map { ($clock->{schemakit}[$_] - $clock->{none}[$_]) * 1000 / $rows_of } 0 .. $rounds - 1;
		sprintf(' %.0f | %.0f | %s |', median(@{ $clock->{none} }), median(@{ $clock->{schemakit} }), show_ratios(@cost));
	} 'cpu', 'wall');
}
my $wide = join(', ', 'id int PRIMARY KEY', map { "c$_ text" } 1 .. 49);
my $wide_values = join(', ', 'i', map { "'value $_ of ' || i" } 1 .. 49);
my $file = "$ENV{PGHOST}/rows.copy";
$session->sql("CREATE TABLE source ($columns); INSERT INTO source SELECT $values FROM generate_series(1, $rows) AS i; COPY source TO '$file'; DROP TABLE source");
print "\n| | CPU ms without | with | it costs, CPU µs per row | wall ms without | with | wall µs per row |\n|---|---|---|---|---|---|---|\n";
compare("COPY of $rows rows", $rows, $columns, '', "COPY t FROM '$file'");
compare('UPDATE of one of 50 columns, 20000 rows', 20_000, $wide, "INSERT INTO t SELECT $wide_values FROM generate_series(1, 20000) AS i", q{UPDATE t SET c25 = 'new ' || id});
unlink $file;

# Single rows, each in its own transaction
new_table('none', $columns);
$session->sql("CREATE TABLE plain (LIKE t INCLUDING ALL); INSERT INTO plain SELECT $values FROM generate_series(1, 10000) AS i; INSERT INTO t SELECT * FROM plain; $enable{schemakit}");
my %script;
for my $table ('plain', 't')
{
	$script{$table} = "$ENV{PGHOST}/$table.sql";
	open(my $f, '>', $script{$table}) or die;
	print $f "\\set i random(1, 10000)\nUPDATE bench_audit.$table SET n = n + 1 WHERE id = :i;\n";
}
my $transactions = 40_000;
print "\n| single-row UPDATE, prepared | clock | µs for each transaction without | with | it costs | goal |\n|---|---|---|---|---|---|\n";
my %wall;    # of one client and eight, without and with audit
for my $clients (1, 8)
{
	my %us;
	for my $round (1 .. $rounds)
	{
		for my $table ($round % 2 ? ('plain', 't') : ('t', 'plain'))
		{
			$session->sql('TRUNCATE schemakit.audit_event; VACUUM plain; VACUUM t; CHECKPOINT');
			my ($cpu, $wall) = $session->pgbench($script{$table}, $clients, $transactions / $clients);
			push @{ $us{'server CPU'}{$table} }, $cpu;
			push @{ $us{wall}{$table} }, $wall;
		}
	}
	$wall{$clients} = $us{wall};
	for my $clock ('server CPU', 'wall')
	{
		my ($plain, $audited) = @{ $us{$clock} }{ 'plain', 't' };
		my @cost = map { $audited->[$_] - $plain->[$_] } 0 .. $rounds - 1;
		printf("| %d client%s | %s | %.1f | %.1f | %.1f (%s) | %s |\n", $clients, $clients > 1 ? 's' : '', $clock,
			median(@$plain), median(@$audited), median(@cost), spread('%.1f', @cost),
			bar("audit, single-row UPDATE in its own transaction, $clients client" . ($clients > 1 ? 's' : '') . ", $clock: µs more", 15, '%.1f', @cost));
	}
}
my %faster;
for my $table ('plain', 't')
{
	$faster{$table} = [ map { $wall{1}{$table}[$_] / $wall{8}{$table}[$_] } 0 .. $rounds - 1 ];
}
my @scales = map { $faster{t}[$_] / $faster{plain}[$_] } 0 .. $rounds - 1;
printf("\n8 clients do %.2f times the transactions of one without audit, and %.2f times with it: %.2f (%s) of that (goal %s)\n",
	median(@{ $faster{plain} }), median(@{ $faster{t} }), median(@scales), spread('%.2f', @scales),
	bar('audit, what 8 clients gain over one, with audit against without', '>= 0.95', '%.2f', @scales));
$session->sql('TRUNCATE schemakit.audit_event');
$session->pgbench($script{t}, 1, $transactions);
my ($heap, $indexes) = bytes('audit_event', $transactions);
printf("\nBytes for each of these transactions: %.0f, of that indexes %.0f (goal 250: %s)\n", $heap + $indexes, $indexes,
	bar('audit, bytes for a transaction of one UPDATE', 250, '%.0f', $heap + $indexes));
unlink values %script;

# The memory that a session keeps of audited tables, all of which it has written to.
# Without the triggers the server keeps something of them, too, which is not in this.
my $tables = 2000;
$session->sql($_) for map { "DO \$\$BEGIN FOR i IN 1..$tables LOOP $_; COMMIT; END LOOP; END\$\$" }
  q{EXECUTE format('CREATE TABLE many_%1$s (LIKE plain INCLUDING ALL); INSERT INTO many_%1$s SELECT * FROM plain WHERE id = 1', i)},
  q{PERFORM schemakit.audit_enable(to_regclass('many_' || i))};
my $other = new_session();
my $kept = sub { $other->sql(q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'schemakit%'}) };
$other->sql('UPDATE many_1 SET n = n + 1');
my $before = $kept->();
$other->sql("DO \$\$BEGIN FOR i IN 1..$tables LOOP EXECUTE 'UPDATE many_' || i || ' SET n = n + 1'; COMMIT; END LOOP; END\$\$");
my $each = ($kept->() - $before) / ($tables - 1);
printf("\nMemory of a session for each of %d audited tables of 8 columns: %.0f bytes (goal %s)\n", $tables, $each,
	bar('audit, memory of a session for an audited table: bytes', 4096, '%.0f', $each));
# one by one, because a transaction that drops all locks more than there is room for
$session->sql("DO \$\$BEGIN FOR i IN 1..$tables LOOP EXECUTE 'DROP TABLE many_' || i; COMMIT; END LOOP; END\$\$");

# A large log: ten million events, ten for each of a million rows.  One UPDATE
# of all is real, the others are made of it: older ones, in transactions of ten
# events each, either all in one month or each in a month of its own.
my $many = $ENV{HISTORY_ROWS} // 1_000_000;
sub clone_update
{
	my ($k, $unit, $limit) = @_;
	my $back = "txn_id - $k * $many";
	$session->sql(qq{
INSERT INTO schemakit.audit_event (txn_id, at, changed_at, key_hash, n, command, shape_id, carrier, op, key, old, new, role, application, pid)
SELECT $back + n / 10, at - interval '$k $unit', changed_at - interval '$k $unit', key_hash, 1 + n % 10, command, shape_id, 1, op,
    key, jsonb_build_object('v', -$k), jsonb_build_object('v', 1 - $k),
    CASE n % 10 WHEN 0 THEN 'app' END, CASE n % 10 WHEN 0 THEN 'bench' END, CASE n % 10 WHEN 0 THEN 1 END
FROM schemakit.audit_event WHERE txn_id = (SELECT txn_id FROM newest) LIMIT $limit});
}
sub fill_log
{
	my ($unit) = @_;
	new_table('none', 'id int PRIMARY KEY, v int, s text');
	$session->sql(qq{TRUNCATE schemakit.audit_event;
INSERT INTO t SELECT i, 0, 'row ' || i FROM generate_series(1, $many) AS i;
$enable{schemakit};
UPDATE t SET v = v + 1;
VACUUM ANALYZE t;
UPDATE schemakit.audit_shape SET recorded_at = recorded_at - interval '1 year';
DROP TABLE IF EXISTS newest;
CREATE TABLE newest AS SELECT txn_id, at - interval '4.5 $unit' AS before FROM schemakit.audit_event WHERE n = 1});
	# where a month has a row, it gets a partition
	clone_update($_, $unit, 1) for 1 .. 9;
	$session->sql(q{SELECT schemakit.audit_maintain();
DELETE FROM schemakit.audit_event WHERE txn_id <> (SELECT txn_id FROM newest)});
	clone_update($_, $unit, $many) for reverse 1 .. 9;
	$session->sql('VACUUM ANALYZE schemakit.audit_event; VACUUM ANALYZE schemakit.audit_shape');
}
if ($ENV{BENCH_HISTORY} // 1)
{
	$session->sql(q{CREATE FUNCTION timed(query text, many int) RETURNS SETOF float8 LANGUAGE plpgsql AS $$
DECLARE since timestamptz; found bigint;
BEGIN
    FOR i IN 1..200 LOOP
        query := regexp_replace(query, '"id": \d*', '"id": ' || 1 + floor(random() * many)::int);
        since := clock_timestamp();
        EXECUTE query INTO STRICT found;
        RETURN NEXT extract(epoch FROM clock_timestamp() - since) * 1000;
        ASSERT found IN (10, -4), found;
    END LOOP;
END$$});
	my @queries = (
		['the history of one row', q{SELECT count(*) FROM schemakit.audit_history('t', '{"id": }')}],
		['one row as it was', q{SELECT v FROM schemakit.audit_as_of(NULL::t, (SELECT before FROM newest), '{"id": }')}]);

	print "\n| in a log of ", 10 * $many, " events | in | ms, median of 200 | middle half | CPU ms, mean | goal |\n|---|---|---|---|---|---|\n";
	for my $unit ('minutes', 'months')
	{
		fill_log($unit);
		my $leaves = $session->sql('SELECT count(DISTINCT tableoid) FROM schemakit.audit_event');
		for (@queries)
		{
			my ($title, $query) = @$_;
			my $since = $session->cpu;
			my @took = split /\n/, $session->sql("SELECT timed(\$\$$query\$\$, $many)");
			printf("| %s | %d partition%s | %.2f | %s | %.2f | %s |\n", $title, $leaves, $leaves > 1 ? 's' : '',
				median(@took), spread('%.2f', @took), ($session->cpu - $since) / 1e6 / @took, bar("audit, $title in a log of " . 10 * $many . " events, by $unit: ms", 1, '%.2f', @took));
		}
		my ($cpu, $wall) = $session->measure('SELECT count(*), sum(v) FROM schemakit.audit_as_of(NULL::t, (SELECT before FROM newest))');
		printf("| all %d rows as they were | %d partition%s | %.0f | | %.0f | |\n", $many, $leaves, $leaves > 1 ? 's' : '', $wall, $cpu);
	}
}
new_table('none', 'id int');
$session->sql('DROP SCHEMA bench_audit CASCADE; TRUNCATE schemakit.audit_event');
