# A program that reads changes in batches: while sessions write, with savepoints, PREPARE
# and transactions that take long, after a crash, and in a database that has the events of
# another one.  It gets each event once, transactions as a whole, and the changes of
# each row in their order.
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $db = 'postgres';
my $seed = $ENV{SCHEMAKIT_SEED} // int(rand(1_000_000_000));
note("SCHEMAKIT_SEED=$seed");
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 20\nfsync = on");
$node->start;
$node->safe_psql($db, q{
CREATE EXTENSION schemakit;
CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL);
CREATE TABLE u (id int PRIMARY KEY, v int NOT NULL);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) AS i;
INSERT INTO u SELECT i, 0 FROM generate_series(1, 20) AS i;
SELECT schemakit.audit_enable('t'), schemakit.audit_enable('u');
CREATE PROCEDURE work(n int) LANGUAGE plpgsql AS $$
DECLARE chosen int;
BEGIN
    FOR i IN 1..n LOOP
        chosen := 1 + random() * 19;
        UPDATE t SET v = v + 1 WHERE id = chosen;
        IF random() < 0.3 THEN
            BEGIN
                UPDATE u SET v = v + 1 WHERE id = chosen;
                IF random() < 0.5 THEN RAISE division_by_zero; END IF;
            EXCEPTION WHEN division_by_zero THEN NULL;
            END;
        END IF;
        IF random() < 0.1 THEN PERFORM pg_sleep(random() / 20); END IF;
        IF random() < 0.1 THEN ROLLBACK; ELSE COMMIT; END IF;
    END LOOP;
END$$;
});

# What has been returned, of which node
sub new_reader { return { node => $_[0], db => $_[1], position => undef, seen => {}, last => {}, wrong => [], batches => 0, split => 0 } }

# One batch; how many rows?
sub read_batch
{
	my ($reader, $most) = @_;
	my $since = defined $reader->{position} ? "'$reader->{position}'" : 'NULL';
	my $rows = $reader->{node}->safe_psql($reader->{db}, "SELECT position, txn_id, n, table_name || (key->>'id'), old->>'v', new->>'v' FROM schemakit.audit_changes($since, max_rows => $most)");
	my ($count, $txn, %here) = (0, '');
	for my $row (split /\n/, $rows)
	{
		my ($position, $txn_id, $n, $key, $old, $new) = split /\|/, $row;
		push @{ $reader->{wrong} }, "$txn_id.$n twice" if $reader->{seen}{$txn_id}{$n}++;
		push @{ $reader->{wrong} }, "$txn_id is not together" if $txn ne $txn_id && $here{$txn_id}++;
		push @{ $reader->{wrong} }, "$txn_id.$n changes $key from $old and not $reader->{last}{$key}"
		  if defined $reader->{last}{$key} && $reader->{last}{$key} ne $old;
		$reader->{last}{$key} = $new;
		$reader->{position} = $position;
		$txn = $txn_id;
		$count++;
	}
	push @{ $reader->{wrong} }, "$count rows in place of $most" if $count > $most + 10;
	$reader->{batches}++ if $count > 0;
	return $count;
}

# What has not been returned, and what is not in the log
sub compare
{
	my ($reader) = @_;
	my %log = map { $_ => 1 } split /\n/, $reader->{node}->safe_psql($reader->{db}, "SELECT txn_id || '.' || n FROM schemakit.audit_log");
	for my $txn (keys %{ $reader->{seen} })
	{
		for my $n (keys %{ $reader->{seen}{$txn} })
		{
			push @{ $reader->{wrong} }, "$txn.$n is not in the log" if !delete $log{"$txn.$n"};
		}
	}
	push @{ $reader->{wrong} }, map { "$_ is missing" } keys %log;
	return join("\n", sort @{ $reader->{wrong} });
}

sub start_writers
{
	my ($sessions, $n) = @_;
	return map
	{
		my ($in, $out) = ("CALL work($n);\n", '');
		IPC::Run::start([ $node->installed_command('psql'), '-X', '-q', '-d', $node->connstr($db) ], '<', \$in, '>&', \$out)
	} 1 .. $sessions;
}

my $reader = new_reader($node, $db);
my $slow = $node->background_psql($db);
for my $round (1 .. 3)
{
	my @writers = start_writers(4, 120);
	$slow->query_safe('BEGIN; INSERT INTO t VALUES (' . (100 + $round) . ', 0)');
	my $running = 1;
	for (my $i = 0; $running || $i < 10; $i++)
	{
		$node->safe_psql($db, "BEGIN; INSERT INTO u VALUES (@{[ 1000 * $round + $i ]}, 0); INSERT INTO t VALUES (@{[ 1000 * $round + $i ]}, 0); PREPARE TRANSACTION 'p$i'") if $i % 3 == 0;
		read_batch($reader, 1 + int(rand(30)));
		$node->safe_psql($db, "COMMIT PREPARED 'p@{[ $i - 5 ]}'") if $i >= 5 && $i % 3 == 2;
		$running = $node->safe_psql($db, q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL work%'});
	}
	$_->finish for @writers;
	$slow->query_safe('COMMIT');
	$node->safe_psql($db, "COMMIT PREPARED '$_'") for split /\n/, $node->safe_psql($db, 'SELECT gid FROM pg_prepared_xacts');
	if ($round == 2)
	{
		$node->stop('immediate');
		$node->start;
		$slow = $node->background_psql($db);
	}
}
$slow->quit;
1 while read_batch($reader, 7) > 0;
is(compare($reader), '', "each event once, in $reader->{batches} batches");
cmp_ok($reader->{batches}, '>', 50, 'these are many');
is($node->safe_psql($db, "SELECT count(*) FROM schemakit.audit_changes('$reader->{position}')"), '0', 'the last position is at the end');

# From the beginning
my $again = new_reader($node, $db);
my $few = 1;
1 while read_batch($again, $few++) > 0;
is(compare($again), '', "the same from the beginning, in $again->{batches} batches");

# A table of its own
my $events = $node->safe_psql($db, "SELECT string_agg(txn_id || '.' || n, ' ' ORDER BY txn_id, n) FROM schemakit.audit_log WHERE table_name = 'public.u'");
my ($position, @found) = (undef);
while (1)
{
	my $rows = $node->safe_psql($db, 'SELECT position, txn_id, n FROM schemakit.audit_changes(' . (defined $position ? "'$position'" : 'NULL') . ", 'u', 40)");
	last if $rows eq '';
	for (split /\n/, $rows)
	{
		my ($p, $txn, $n) = split /\|/;
		$position = $p;
		push @found, [ $txn, $n ];
	}
}
is(join(' ', map { "$_->[0].$_->[1]" } sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @found), $events, 'of one table');

# Another database with these events and its own
$node->run_log([ 'pg_dump', '-Fc', '-f', $node->basedir . '/dump', '-d', $node->connstr($db) ]);
$node->safe_psql($db, 'CREATE DATABASE copy');
$node->run_log([ 'pg_restore', '-d', $node->connstr('copy'), $node->basedir . '/dump' ]);
$node->safe_psql('copy', 'CALL work(30)');
my $copy = new_reader($node, 'copy');
my $most = 5;
1 while read_batch($copy, $most++) > 0;
is(compare($copy), '', "events of two databases, in $copy->{batches} batches");
my $before = $copy->{position};
$node->safe_psql('copy', 'UPDATE t SET v = v + 1 WHERE id = 5');
is(read_batch($copy, 10), 1, 'then what comes later');
like($before, qr/:[0-9,]*$/, 'the position is one like others by then');

done_testing();
