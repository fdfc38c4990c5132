# How many instructions work takes: callgrind counts those of a server process in
# user mode, which are the same each time, whatever else the machine does.
# scripts/bench --instructions runs this; with AGAINST=PG_CONFIG also for the
# schemakit that is installed there, and compares.
#
# A group of measurements has a cluster of its own.  What it needs is made first; then
# the statements run one by one in a session of a server that runs under callgrind, which
# dumps a process's counters when it is ready for the next statement.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Bench;

my $n = $ENV{ROWS} // 10_000;    # rows in bulk
my $few = 200;                   # repetitions of a transaction or a call
my $columns = 'id int PRIMARY KEY, a text, b text, c text, n numeric, doc jsonb, t1 timestamptz, t2 timestamptz';
my $values = q{i, 'name ' || i, 'user' || i || '@example.com', 'some text', i / 100.0, '{"a": 1, "b": [1, 2]}', now(), now()};
my $wide = join(', ', 'id int PRIMARY KEY', map { "c$_ text" } 1 .. 49);
my $wide_values = join(', ', 'i', map { "'value $_ of ' || i" } 1 .. 49);
my $huge = join(', ', 'id int PRIMARY KEY', map { "c$_ text" } 1 .. 199);
my $huge_values = join(', ', 'i', map { "'value $_ of ' || i" } 1 .. 199);

# which are compared only where they are installed
my @others = grep { my $name = $_; !grep { !-e } map { chomp(my $share = `$_/pg_config --sharedir`); "$share/extension/$name.control" } split /:/, $ENV{BENCH_BINDIRS} } 'supa_audit';

sub series { "generate_series(1, $_[0]) AS i" }
sub each_alone { my $statement = $_[1]; return [ map { my $i = $_; $statement =~ s/\bi\b/$i/gr } 1 .. $_[0] ] }
sub each_in_transaction { "DO \$\$BEGIN FOR i IN 1..$_[0] LOOP $_[1]; COMMIT; END LOOP; END\$\$" }

# A measurement: [what, how often, statement or several, what it is compared with].  What
# has no name warms up for the next one.
sub audit_bulk
{
	my ($kind, $rows) = (@_, $n);
	my $base = $kind eq 'none' ? undef : 'none';
	return map { [ $_->[0] && "$kind, $_->[0]", $rows, $_->[1], $base && $_->[0] && "$base, $_->[0]" ] }
	  # the library is loaded by the first event, and can buffer none of that statement
	  ([ undef, [ "INSERT INTO $kind (id) VALUES (0)", "DELETE FROM $kind" ] ],
		[ 'INSERT', "INSERT INTO $kind SELECT $values FROM " . series($rows) ],
		[ 'UPDATE of a column', "UPDATE $kind SET n = n + 1" ],
		[ 'DELETE', "DELETE FROM $kind" ]);
}
# The same events, put into a table like the log by INSERT; "audit_bulk" with that after each
sub audit_with_floor
{
	return map {
		my $what = $_->[0] && $_->[0] =~ s/^audited/the floor/r;
		($_, !$what ? [ undef, 0, 'INSERT INTO floor SELECT * FROM schemakit.audit_event' ] :
			([ undef, 0, [ 'TRUNCATE staged', 'INSERT INTO staged SELECT * FROM schemakit.audit_event WHERE txn_id = (SELECT txn_id FROM schemakit.audit_event ORDER BY changed_at DESC LIMIT 1)',
					'VACUUM staged' ] ],
				[ $what, $n, 'INSERT INTO floor SELECT * FROM staged' ]));
	} audit_bulk('audited');
}
sub audit_other
{
	my ($kind) = @_;
	my $base = $kind eq 'none' ? undef : 'none';
	return map { [ $_->[0] && "$kind, $_->[0]", $_->[1], $_->[2], $base && $_->[0] && "$base, $_->[0]" ] }
	  ([ 'COPY', $n, "COPY copy_$kind FROM '$ENV{BENCH_DIR}/rows.copy'" ],
		[ undef, 0, each_in_transaction(20, "UPDATE one_$kind SET n = n + 1 WHERE id = 1000 - i") ],
		[ 'INSERT of one in a transaction', $few, each_in_transaction($few, "INSERT INTO one_$kind SELECT " . $values =~ s/\bi\b/i + 5000/rg) ],
		[ 'UPDATE of one in a transaction', $few, each_in_transaction($few, "UPDATE one_$kind SET n = n + 1 WHERE id = i") ],
		[ 'DELETE of one in a transaction', $few, each_in_transaction($few, "DELETE FROM one_$kind WHERE id = i") ],
		[ 'UPDATE of one, autocommitted', $few, each_alone($few, "UPDATE one_$kind SET n = n + 1 WHERE id = 500 + i") ],
		[ 'UPDATE of one of 50 columns', 1000, "UPDATE wide_$kind SET c25 = 'new ' || id" ],
		[ 'INSERT of 200 columns', 300, "INSERT INTO huge_$kind SELECT $huge_values FROM " . series(300) ],
		[ 'DELETE of 200 columns', 300, "DELETE FROM huge_$kind" ]);
}

my %group = (
	audit => {
		setup => qq{
SELECT schemakit.audit_maintain();
CREATE FUNCTION by_hand() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    INSERT INTO by_hand (rel, op, old, new)
    VALUES (TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END\$\$;
CREATE TABLE by_hand (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), who text DEFAULT current_user,
    rel text, op text, old jsonb, new jsonb);
CREATE TABLE floor (LIKE schemakit.audit_event) PARTITION BY RANGE (at);
CREATE TABLE floor_leaf PARTITION OF floor DEFAULT;
CREATE UNLOGGED TABLE staged (LIKE schemakit.audit_event);
DO \$\$
DECLARE how text;
BEGIN
    FOR how IN SELECT substring(pg_get_indexdef(indexrelid) FROM ' (USING .*)') FROM pg_index WHERE indrelid = 'schemakit.audit_event_default'::regclass LOOP
        EXECUTE 'CREATE INDEX ON floor_leaf ' || how;
    END LOOP;
END\$\$;
CREATE TABLE source ($columns);
INSERT INTO source SELECT $values FROM } . series($n) . qq{;
COPY source TO '$ENV{BENCH_DIR}/rows.copy';
} . join('', map { qq{
CREATE TABLE $_ ($columns);
CREATE TABLE copy_$_ ($columns);
CREATE TABLE one_$_ ($columns);
INSERT INTO one_$_ SELECT $values FROM generate_series(1, 1000) AS i;
CREATE TABLE wide_$_ ($wide);
INSERT INTO wide_$_ SELECT $wide_values FROM generate_series(1, 1000) AS i;
CREATE TABLE huge_$_ ($huge);
} } 'none', 'audited', 'plpgsql', @others) . q{
CREATE TRIGGER by_hand AFTER INSERT OR UPDATE OR DELETE ON plpgsql FOR EACH ROW EXECUTE FUNCTION by_hand();
SELECT schemakit.audit_enable(t) FROM unnest('{audited,copy_audited,one_audited,wide_audited,huge_audited}'::regclass[]) AS t;
-- so that the log's tables and indexes are not empty
CREATE TABLE history (id int PRIMARY KEY, v int, s text);
SELECT schemakit.audit_enable('history');
INSERT INTO history SELECT i, 0, 'row ' || i FROM generate_series(1, 5000) AS i;
CREATE TABLE times (at timestamptz);
UPDATE history SET v = v + 1;
INSERT INTO times VALUES (clock_timestamp());
UPDATE history SET v = v + 1;
UPDATE history SET v = v + 1} . (@others ? "; CREATE EXTENSION supa_audit CASCADE; SELECT audit.enable_tracking('supa_audit')" : ''),
		count => [
			audit_bulk('none'), audit_with_floor(), audit_bulk('plpgsql'), (map { audit_bulk($_, $n / 10) } @others),
			audit_other('none'), audit_other('audited'),
			[ 'audit_history()', $few, "SELECT count(*) FROM generate_series(1, $few) AS i, LATERAL schemakit.audit_history('history', jsonb_build_object('id', i * 7))" ],
			[ 'audit_as_of() of a row', $few, "SELECT sum(v) FROM generate_series(1, $few) AS i, LATERAL schemakit.audit_as_of(NULL::history, (SELECT at FROM times), jsonb_build_object('id', i * 7))" ],
			[ 'audit_as_of() of a table, a row', 5000, 'SELECT sum(v) FROM schemakit.audit_as_of(NULL::history, (SELECT at FROM times))' ],
			[ 'audit_changes(), an event', 20_000, q{SELECT count(*) FROM schemakit.audit_changes(NULL, 'history')} ],
			[ 'audit_log, an event', 20_000, q{SELECT count(*) FROM schemakit.audit_log WHERE table_name = 'public.history'} ] ],
		ratios => [
			(map { [ "audited, $_->[0]", "the floor, $_->[0]", $_->[1] ] } [ 'INSERT', 1.3 ], [ 'UPDATE of a column', 1.4 ], [ 'DELETE', 1.3 ]),
			(map { [ "audited, $_->[0]", "plpgsql, $_->[0]", $_->[1] ] } [ 'INSERT', 0.25 ], [ 'UPDATE of a column', 0.17 ], [ 'DELETE', 0.25 ]),
			(map { [ "audited, $_", "supa_audit, $_", 0.04 ] } 'INSERT', 'UPDATE of a column', 'DELETE') ] },

	touch => {
		setup => join('', map { qq{
CREATE TABLE $_ (id int PRIMARY KEY, name text, email text, status text, amount numeric(10,2), n int, created_at timestamptz, updated_at timestamptz);
INSERT INTO $_ SELECT i, 'name ' || i, 'user' || i || '\@example.com', 'active', i % 1000, i, now(), now() FROM } . series($n) . qq{;
} } 'none', 'touched', 'checked', 'plpgsql') . q{
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.updated_at = now(); RETURN NEW; END$$;
ALTER TABLE checked ADD CHECK (updated_at >= created_at);
CREATE TRIGGER touch BEFORE UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
CREATE TRIGGER touch BEFORE UPDATE ON checked FOR EACH ROW EXECUTE FUNCTION schemakit.touch('updated_at');
CREATE TRIGGER touch BEFORE UPDATE ON plpgsql FOR EACH ROW EXECUTE FUNCTION set_updated_at()},
		count => [
			[ 'none, UPDATE', $n, 'UPDATE none SET n = n + 1' ],
			(map { [ "$_, UPDATE", $n, "UPDATE $_ SET n = n + 1", 'none, UPDATE' ] } 'touched', 'checked', 'plpgsql'),
			map { my $kind = $_; (
				[ undef, 0, each_in_transaction(20, "UPDATE $kind SET n = n + 1 WHERE id = 1000 - i") ],
				[ "$kind, UPDATE of one in a transaction", $few, each_in_transaction($few, "UPDATE $kind SET n = n + 1 WHERE id = i"),
					$kind eq 'none' ? undef : 'none, UPDATE of one in a transaction' ]) } 'none', 'touched', 'checked' ] },

	soft_delete => {
		setup => join('', map { qq{
CREATE TABLE $_ (id int PRIMARY KEY, name text, email text, status text, amount numeric(10,2), n int, created_at timestamptz, deleted_at timestamptz);
INSERT INTO $_ SELECT i, 'name ' || i, 'user' || i || '\@example.com', 'active', i % 1000, i, now() FROM } . series($n) . qq{;
} } 'none', 'soft', 'soft_update', 'one_none', 'one_soft') . join('', map { qq{
CREATE TABLE p_$_ (id int PRIMARY KEY);
INSERT INTO p_$_ SELECT generate_series(1, $n);
CREATE TABLE c_$_ (id int PRIMARY KEY, p int REFERENCES p_$_ ON DELETE CASCADE);
CREATE INDEX ON c_$_ (p);
SELECT schemakit.soft_delete_enable('p_$_'), schemakit.soft_delete_enable('c_$_');
} } 'one', 'many', 'single') . qq{
INSERT INTO c_one SELECT i, 1 FROM } . series($n) . qq{;
INSERT INTO c_many SELECT i, i FROM } . series($n) . qq{;
INSERT INTO c_single SELECT i, i FROM } . series($n) . qq{;
SELECT schemakit.soft_delete_enable(t) FROM unnest('{soft,soft_update,one_soft}'::regclass[]) AS t},
		count => [
			[ 'none, UPDATE', $n, 'UPDATE none SET deleted_at = clock_timestamp() WHERE deleted_at IS NULL' ],
			[ 'UPDATE of the table', $n, 'UPDATE soft_update SET deleted_at = clock_timestamp() WHERE deleted_at IS NULL', 'none, UPDATE' ],
			[ 'DELETE from the view', $n, 'DELETE FROM soft_live', 'none, UPDATE' ],
			[ 'restore', $n, 'UPDATE soft SET deleted_at = NULL', 'none, UPDATE' ],
			[ undef, 0, each_in_transaction(20, 'UPDATE one_none SET deleted_at = clock_timestamp() WHERE id = 1000 - i AND deleted_at IS NULL') ],
			[ 'none, one in a transaction', $few, each_in_transaction($few, 'UPDATE one_none SET deleted_at = clock_timestamp() WHERE id = i AND deleted_at IS NULL') ],
			[ undef, 0, each_in_transaction(20, 'DELETE FROM one_soft_live WHERE id = 1000 - i') ],
			[ 'view, one in a transaction', $few, each_in_transaction($few, 'DELETE FROM one_soft_live WHERE id = i'), 'none, one in a transaction' ],
			[ undef, 0, 'DELETE FROM p_one_live WHERE id = 2' ],
			[ 'a parent with many children, a child', $n, 'DELETE FROM p_one_live WHERE id = 1' ],
			[ 'their restore, a child', $n, 'UPDATE p_one SET deleted_at = NULL WHERE id = 1' ],
			[ 'many parents with a child each, a parent', $n, 'DELETE FROM p_many_live' ],
			[ 'their restore, a parent', $n, 'UPDATE p_many SET deleted_at = NULL' ],
			[ undef, 0, each_in_transaction(20, 'DELETE FROM p_single_live WHERE id = 1000 - i') ],
			[ 'a parent with a child in a transaction', $few, each_in_transaction($few, 'DELETE FROM p_single_live WHERE id = i') ],
			[ 'INSERT of a child', $n, 'INSERT INTO c_single SELECT 20000 + i, 400 + i % 500 FROM ' . series($n) ],
			[ undef, 0, each_in_transaction(20, 'INSERT INTO c_single SELECT 50000 + i, 400 + i') ],
			[ 'INSERT of a child in a transaction', $few, each_in_transaction($few, 'INSERT INTO c_single SELECT 60000 + i, 400 + i') ] ] },

	(map { ($_ => {
		extension => $_ eq 'ddl',
		setup => q{
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE plain (id int PRIMARY KEY, n int);
CREATE TABLE dropped (id int PRIMARY KEY, n int)},
		count => [ ddl() ] }) } 'ddl', 'ddl_without'),

	advisor => {
		setup_file => "$FindBin::Bin/tpch/data.sql",
		variables => [ '-v', 'sf=' . ($ENV{SF} // 0.01) ],
		setup => '',
		count => [ advice() ] });

# Commands on tables that come in numbers, in one DO statement, each in its transaction
sub ddl
{
	my $table = 'id int PRIMARY KEY, name text, email text, status text, amount numeric(10,2), n int, created_at timestamptz';
	my $number = 0;
	my $each = sub {
		my ($what, $command, $times) = @_;
		return map { [ $_ ? undef : $what, $_ ? 0 : 50, each_in_transaction(50, sprintf('EXECUTE format(%s, %s)', "\$q\$$command\$q\$", $_ ? 'i' : 'i + 100')) ] } 1, 0;
	};
	return ($each->('CREATE TABLE', "CREATE TABLE t%s ($table, m int)"),
		$each->('CREATE TABLE with updated_at', "CREATE TABLE u%s ($table, updated_at timestamptz)"),
		$each->('CREATE TRIGGER', 'CREATE TRIGGER f BEFORE UPDATE ON t%s FOR EACH ROW EXECUTE FUNCTION f()'),
		$each->('ADD COLUMN', 'ALTER TABLE t%s ADD COLUMN x int'),
		$each->('ADD COLUMN, table with updated_at', 'ALTER TABLE u%s ADD COLUMN x int'),
		$each->('ALTER COLUMN TYPE', 'ALTER TABLE t%s ALTER COLUMN n TYPE bigint'),
		$each->('RENAME COLUMN', 'ALTER TABLE t%s RENAME COLUMN x TO y'),
		$each->('DROP COLUMN', 'ALTER TABLE t%s DROP COLUMN y'),
		$each->('CREATE INDEX', 'CREATE INDEX i%1$s ON t%1$s (n)'),
		$each->('CREATE VIEW', 'CREATE VIEW v%1$s AS SELECT * FROM t%1$s'),
		$each->('DROP VIEW', 'DROP VIEW v%s'),
		$each->('GRANT', 'GRANT SELECT ON t%s TO PUBLIC'),
		$each->('DROP TABLE', 'DROP TABLE t%s'),
		[ undef, 0, each_in_transaction(20, 'INSERT INTO plain VALUES (-i, i)') ],
		[ 'INSERT into a table without features', $few, each_in_transaction($few, 'INSERT INTO plain VALUES (i, i)') ],
		[ undef, 0, each_in_transaction(20, 'UPDATE plain SET n = n + 1 WHERE id = -i') ],
		[ 'UPDATE of one', $few, each_in_transaction($few, 'UPDATE plain SET n = n + 1 WHERE id = i') ],
		[ undef, 0, 'SELECT count(*) FROM plain' ],
		[ 'SELECT', 1, 'SELECT count(*) FROM plain' ]);
}

sub advice
{
	open(my $f, '<', "$FindBin::Bin/tpch/queries.sql") or die;
	my @statements = grep { /\S/ } split /;\s*(?:--\s*\d+\s*)?/, do { local $/; <$f> };
	s/^--\s*\d+\s*// for @statements;
	my $queries = 'ARRAY[' . join(', ', map { my $s = $_; $s =~ s/\s+/ /g; "\$q\$$s\$q\$" } @statements) . ']';
	return ([ undef, 0, "SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM lineitem WHERE l_partkey = 1'])" ],
		[ 'advise_indexes(), one statement', 1, "SELECT count(*) FROM schemakit.advise_indexes(ARRAY['SELECT * FROM lineitem WHERE l_partkey = 2'])" ],
		[ 'advise_indexes(), TPC-H', 1, "SELECT count(*) FROM schemakit.advise_indexes($queries, time_budget => '1 year')" ],
		[ 'advise_indexes(), no statements', 1, "SELECT count(*) FROM schemakit.advise_indexes(ARRAY[]::text[])" ]);
}

# Run a program as the server's user, with input; die if it fails.
sub run
{
	my ($input, @command) = @_;
	my $as = $> == 0 ? 'setpriv --reuid=postgres --regid=postgres --init-groups --' : '';
	my $file = "$ENV{BENCH_DIR}/input";
	open(my $f, '>', $file) or die "$file: $!\n";
	print $f $input;
	close $f;
	chmod 0644, $file;
	my $quoted = join ' ', map { s/'/'\\''/gr =~ s/(.*)/'$1'/sr } @command;
	my $output = `cd $ENV{BENCH_DIR} && $as $quoted <$file 2>&1`;
	die "$quoted:\n$output" if $? || $output =~ /\b(?:ERROR|FATAL|PANIC): /;
	return $output;
}

# The instructions of each measurement of a group, by name.
sub count
{
	my ($bindir, $name) = @_;
	my $group = $group{$name};
	my $data = "$ENV{BENCH_DIR}/data";
	# with BENCH_ONLY, also what warms up for those
	my @all = @{ $group->{count} };
	my $named = sub { my ($i) = @_; $i++ until defined $all[$i][0]; return $all[$i][0] };
	my @measured = @all[ grep { $named->($_) =~ ($ENV{BENCH_ONLY} // '') } 0 .. $#all ];
	system("rm -rf $data $ENV{BENCH_DIR}/out.*");
	run('', "$bindir/initdb", '-D', $data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync');
	my @server = ("$bindir/pg_ctl", '-D', $data, '-s', '-w', '-l', "$ENV{BENCH_DIR}/log", '-o', "-c listen_addresses= -c unix_socket_directories=$ENV{BENCH_DIR} -c fsync=off -c autovacuum=off -c max_wal_size=8GB");
	my @psql = ("$bindir/psql", '-X', '-q', '-h', $ENV{BENCH_DIR}, '-U', 'postgres', '-v', 'ON_ERROR_STOP=1');
	run('', @server, 'start');
	eval {
		my $settings = 'SET client_min_messages = error; SET schemakit.timestamps_auto = off;';
		run($_, @psql, @{ $group->{variables} // [] })
		  for ('CREATE DATABASE bench'), map { "\\c bench\n$_" }
		  ($group->{extension} // 1) ? 'CREATE EXTENSION schemakit' : '', $group->{setup_file} ? "\\i $group->{setup_file}" : '', "$settings $group->{setup}", 'VACUUM (ANALYZE)';
	};
	my $error = $@;
	run('', @server, 'stop');
	die $error if $error;
	# Event triggers do not fire in a single-user server, so it is an ordinary one.
	open(my $f, '>', "$ENV{BENCH_DIR}/postgres") or die;
	print $f "#!/bin/sh\nexec valgrind --tool=callgrind --dump-before=ReadyForQuery --callgrind-out-file=$ENV{BENCH_DIR}/out.%p '$bindir/postgres' \"\$@\"\n";
	close $f;
	chmod 0755, "$ENV{BENCH_DIR}/postgres";
	run('', @server, '-t', 600, '-p', "$ENV{BENCH_DIR}/postgres", 'start');
	eval { run(join('', map { "$_;\n" } map { ref $_->[2] ? @{ $_->[2] } : $_->[2] } @measured), @psql, 'bench') };
	$error = $@;
	run('', @server, '-t', 600, 'stop');
	die $error if $error;
	my %count;
	my $part = 1;    # what comes before the first statement
	for my $measured (@measured)
	{
		my ($what, $times, $statement) = @$measured;
		for (ref $statement ? @$statement : $statement)
		{
			$part++;
			next if !defined $what;
			my ($file) = glob("$ENV{BENCH_DIR}/out.*.$part") or die "there is no profile of \"$what\"\n";
			open(my $f, '<', $file) or die "$file: $!\n";
			my ($total) = map { /^(?:totals|summary): (\d+)/ ? $1 : () } <$f>;
			$count{$what} += $total / $times;
			system('cp', $file, "$ENV{BENCH_KEEP}/" . ("$name $what" =~ s/\W+/_/gr)) if $ENV{BENCH_KEEP};
		}
	}
	return map { !defined $_->[0] ? () : [ $_->[0], $count{ $_->[0] } - ($_->[3] ? $count{ $_->[3] } : 0), $_->[3] ] } @measured;
}

my @bindirs = split /:/, $ENV{BENCH_BINDIRS};
for my $name (@ARGV ? @ARGV : sort keys %group)
{
	die "there is no group \"$name\"\n" unless $group{$name};
	my @counts = map { [ count($_, $name) ] } @bindirs;
	print "\n| $name | ", (@bindirs > 1 ? 'instructions before | now | now against before |' : 'instructions |'), "\n|---|---|", '---|---|' x (@bindirs > 1), "\n";
	for my $i (0 .. $#{ $counts[0] })
	{
		my ($what, $now, $base) = @{ $counts[0][$i] };
		my $title = $what . ($base ? ', more than without' : '');
		printf @bindirs > 1 ? "| %s | %.0f | %.0f | %.3f |\n" : "| %s | %.0f |\n", $title, map({ $_->[$i][1] } reverse @counts), @bindirs > 1 ? $now / $counts[1][$i][1] : ();
	}
	my %now = map { @$_[ 0, 1 ] } @{ $counts[0] };
	my @ratios = grep { $now{ $_->[0] } && $now{ $_->[1] } } @{ $group{$name}{ratios} // [] };
	print "\n| $name | ratio | goal |\n|---|---|---|\n" if @ratios;
	for (@ratios)
	{
		my ($ours, $theirs, $goal) = @$_;
		my $ratio = $now{$ours} / $now{$theirs};
		printf "| %s, against %s | %.3f | %s |\n", $ours, $theirs =~ s/,.*//r, $ratio, bar("instructions, $ours, against $theirs", $goal, '%.3f', $ratio);
	}
}
