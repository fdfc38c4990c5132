# A program that follows the log by audit_changes(), in batches, with track_commit_timestamp and
# through a failover: each change is returned once, in an order in which it can be carried out.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $db = 'postgres';
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "track_commit_timestamp = on\nmax_prepared_transactions = 20\nautovacuum = off\nwal_keep_size = 1GB");
$primary->start;
$primary->safe_psql($db, q{CREATE EXTENSION schemakit; CREATE TABLE t (id int PRIMARY KEY, v int); SELECT schemakit.audit_enable('t')});
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

my $seed = $ENV{SCHEMAKIT_SEED} // time;
srand($seed);
note "seed $seed";
my ($node, $next, %prepared, @made, @got, $position) = ($primary, 1);

# One that runs on for a while, over many others
sub prepare
{
    my $name = "p$next";
    my @ids = map { $next++ } 1 .. 1 + int rand 4;
    $node->safe_psql($db, 'BEGIN; ' . join('', map { "INSERT INTO t VALUES ($_, 0); " } @ids) . "PREPARE TRANSACTION '$name'");
    $prepared{$name} = \@ids;
    return;
}
sub finish
{
    my ($name) = @_;
    my $ids = delete $prepared{$name};
    my $commit = rand() < 0.8;
    $node->safe_psql($db, ($commit ? 'COMMIT' : 'ROLLBACK') . " PREPARED '$name'");
    push @made, @$ids if $commit;
    return;
}
sub write_some
{
    for (1 .. 15)
    {
        my $what = rand;
        if ($what < 0.3) { prepare() }
        elsif ($what < 0.6 && %prepared) { finish((sort keys %prepared)[ int rand keys %prepared ]) }
        elsif ($what < 0.8) { push @made, $next; $node->safe_psql($db, 'INSERT INTO t VALUES (' . $next++ . ', 0)') }
        else { push @made, $next, $next + 1; $node->safe_psql($db, sprintf 'BEGIN; INSERT INTO t VALUES (%d, 0); SAVEPOINT a; INSERT INTO t VALUES (-1, 0); ROLLBACK TO a; INSERT INTO t VALUES (%d, 0); COMMIT', $next, $next + 1); $next += 2 }
    }
    return;
}
# Batches until there is nothing more, or only some of them
sub read_some
{
    my ($batches) = @_;
    while ($batches-- != 0)
    {
        my $since = defined $position ? "'$position'" : 'NULL';
        my @rows = split /\n/, $node->safe_psql($db, "SELECT key ->> 'id', position FROM schemakit.audit_changes($since, max_rows => 3)");
        last if !@rows;
        push @got, map { (split /\|/)[0] } @rows;
        $position = (split /\|/, $rows[-1])[1];
    }
    return;
}
sub in_both { return join ' ', sort { $a <=> $b } @{ $_[0] } }

for my $round (1 .. 8)
{
    write_some();
    read_some(1 + int rand 5);
    # what the server knows of commits is written into the log as further events
    $node->safe_psql($db, 'SELECT schemakit.audit_maintain()') if $round % 3 == 0;
    next if $round != 5;
    $node->wait_for_catchup($standby);
    my ($rc, $out, $err) = $standby->psql($db, "SELECT * FROM schemakit.audit_changes('$position')");
    like($err, qr/standby|recovery/, 'a standby returns no changes, and no position');
    is($standby->safe_psql($db, 'SELECT count(*) FROM schemakit.audit_log'), $primary->safe_psql($db, 'SELECT count(*) FROM schemakit.audit_log'), 'but has the log');
    $primary->stop('immediate');
    $standby->promote;
    $standby->poll_query_until($db, 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
    $node = $standby;
}
finish($_) for sort keys %prepared;
$node->safe_psql($db, 'SELECT schemakit.audit_maintain()');
read_some(-1);
is(in_both(\@got), in_both(\@made), 'in batches, with times of commits kept and after a failover, each change is returned once');
is($node->safe_psql($db, q{SELECT string_agg(key ->> 'id', ' ' ORDER BY (key ->> 'id')::int) FROM schemakit.audit_changes()}), in_both(\@made), 'and so it is all at once');
cmp_ok($node->safe_psql($db, q{SELECT count(*) FROM schemakit.audit_event WHERE op = 'C'}), '>', $node->safe_psql($db, q{SELECT count(DISTINCT txn_id) FROM schemakit.audit_event WHERE op = 'C'}),
    'there are transactions with two times of commit');
done_testing();
