# Two nodes replicate the same tables to each other, and both record: the log of each says
# what came from the other, by which subscription, and when it was committed there.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %node;
for my $name (qw(north south))
{
    $node{$name} = PostgreSQL::Test::Cluster->new($name);
    $node{$name}->init(allows_streaming => 'logical');
    $node{$name}->append_conf('postgresql.conf', "track_commit_timestamp = on\nmax_prepared_transactions = 5");
    $node{$name}->start;
    $node{$name}->safe_psql('postgres', q{CREATE EXTENSION schemakit;
        CREATE TABLE acc (id int PRIMARY KEY, node text, v int); SELECT schemakit.audit_enable('acc', replica => true);
        CREATE TABLE old (id int PRIMARY KEY); SELECT schemakit.audit_enable('old', replica => true);
        CREATE PUBLICATION p FOR TABLE acc; CREATE PUBLICATION q FOR TABLE old});
}
my ($north, $south) = @node{qw(north south)};
my $major = int($north->safe_psql('postgres', 'SHOW server_version_num') / 10000);

sub subscribe
{
    my ($to, $from, $name, $publication, $options) = @_;
    $to->safe_psql('postgres', "CREATE SUBSCRIPTION $name CONNECTION '" . $from->connstr . " dbname=postgres' PUBLICATION $publication WITH ($options)");
    $to->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')})
      or die 'the initial copy does not end';
    return;
}
sub told
{
    my ($at, $condition) = @_;
    return $at->safe_psql('postgres', qq{SELECT string_agg(DISTINCT coalesce(origin, 'here'), ',') FROM schemakit.audit_log WHERE $condition});
}

# 1. The initial copy, which another process makes with an origin of its own
$north->safe_psql('postgres', 'INSERT INTO old SELECT generate_series(1, 500)');
subscribe($south, $north, '"from north"', 'q', 'copy_data = true, slot_name = from_north');
is(told($south, q{table_name = 'public.old'}), 'from north', 'the initial copy is said to come from the subscription');
is($south->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_log WHERE table_name = 'public.old'}), 500, 'all of it');

# 2. What is applied: one row, several transactions, one that is aborted in part
subscribe($south, $north, 'one_way', 'p', 'copy_data = false');
$north->safe_psql('postgres', q{INSERT INTO acc VALUES (1, 'north', 1)});
$north->safe_psql('postgres', q{BEGIN; UPDATE acc SET v = 2; SAVEPOINT a; UPDATE acc SET v = 3; ROLLBACK TO a; UPDATE acc SET v = 4; COMMIT});
$north->wait_for_catchup('one_way');
is($south->safe_psql('postgres', q{SELECT string_agg(new ->> 'v' || coalesce(origin, 'here'), ',' ORDER BY changed_at) FROM schemakit.audit_history('acc', '{"id": 1}')}),
    '1one_way,2one_way,4one_way', 'applied changes come from the subscription');
is(told($north, q{table_name = 'public.acc'}), 'here', 'on the publisher they were made');
my $there = $north->safe_psql('postgres', q{SELECT string_agg(DISTINCT pg_xact_commit_timestamp(xid::text::xid)::text, ',') FROM schemakit.audit_log WHERE table_name = 'public.acc'});
is($south->safe_psql('postgres', q{SELECT string_agg(DISTINCT origin_at::text, ',') FROM schemakit.audit_event WHERE op = 'C' AND txn_id IN
    (SELECT txn_id FROM schemakit.audit_log WHERE origin = 'one_way')}), $there, 'its commit event has the time of the commit there');
$south->safe_psql('postgres', q{INSERT INTO acc VALUES (2, 'south', 1)});
is(told($south, q{(key ->> 'id')::int = 2 AND table_name = 'public.acc'}), 'here', 'what the subscriber does itself is its own');

# 3. A subscription is renamed and dropped: what was recorded keeps the name that it had
$south->safe_psql('postgres', 'ALTER SUBSCRIPTION one_way RENAME TO way');
$north->safe_psql('postgres', q{UPDATE acc SET v = 5 WHERE id = 1});
$north->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_replication WHERE application_name = 'way' AND replay_lsn >= pg_current_wal_flush_lsn()})
  or die 'the renamed subscription does not go on';
$south->safe_psql('postgres', 'DROP SUBSCRIPTION way');
is($south->safe_psql('postgres', q{SELECT string_agg(new ->> 'v' || coalesce(origin, 'here'), ',' ORDER BY changed_at) FROM schemakit.audit_history('acc', '{"id": 1}')}),
    '1one_way,2one_way,4one_way,5way', 'names are those of the time');

# 4. Both ways, where the server can leave out what has come from elsewhere
SKIP:
{
    skip 'a subscription has no option origin before PostgreSQL 16', 3 if $major < 16;
    $north->safe_psql('postgres', 'TRUNCATE acc');
    $south->safe_psql('postgres', 'TRUNCATE acc');
    subscribe($south, $north, 'north_too', 'p', 'copy_data = false, origin = none');
    subscribe($north, $south, 'from_south', 'p', 'copy_data = false, origin = none');
    my %since = map { $_ => $node{$_}->safe_psql('postgres', 'SELECT schemakit.audit_position()') } qw(north south);
    for my $i (1 .. 20)
    {
        $north->safe_psql('postgres', "INSERT INTO acc VALUES ($i, 'north', 0)");
        $south->safe_psql('postgres', "INSERT INTO acc VALUES (100 + $i, 'south', 0)");
    }
    $north->wait_for_catchup('north_too');
    $south->wait_for_catchup('from_south');
    my %all = map { $_ => $node{$_}->safe_psql('postgres', "SELECT count(*) FROM schemakit.audit_changes('$since{$_}')") } qw(north south);
    is("$all{north} $all{south}", '40 40', 'each node records everything');
    my @own = map { $node{$_}->safe_psql('postgres', "SELECT DISTINCT new ->> 'node' FROM schemakit.audit_changes('$since{$_}') WHERE origin IS NULL") } qw(north south);
    is("@own", 'north south', 'without an origin there is what was done on the node itself');
    my $sum = 0;
    $sum += $node{$_}->safe_psql('postgres', "SELECT count(*) FROM schemakit.audit_changes('$since{$_}') WHERE origin IS NULL") for qw(north south);
    is($sum, 40, 'so the logs of both together have each change once');
}
done_testing();
