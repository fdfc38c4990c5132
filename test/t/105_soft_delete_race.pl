# Savepoints, rollbacks and third sessions: no live row refers to a deleted one,
# whichever of them comes first.  SCHEMAKIT_RACE_ROUNDS: how many rounds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{SCHEMAKIT_RACE_ROUNDS} // 400;
my $seed = $ENV{SEED} // int(rand(1_000_000));
my $sessions = 4;
srand($seed);
note("SEED=$seed, $rounds rounds");
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "deadlock_timeout = 5ms\nfsync = off");
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION schemakit;
    CREATE TABLE p (id int PRIMARY KEY, n int DEFAULT 0, big text);
    ALTER TABLE p ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE k (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
    CREATE TABLE r (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p int REFERENCES p);
    SELECT count(schemakit.soft_delete_enable(t)) FROM unnest('{p,k,r}'::regclass[]) AS t;
    CREATE INDEX ON k (p);
    CREATE INDEX ON r (p);
    CREATE SEQUENCE arrived;
    -- sequences do not wait for the end of transactions
    CREATE FUNCTION meet(n int) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM nextval('arrived');
        WHILE (SELECT last_value FROM arrived) < n LOOP
            PERFORM pg_sleep(0.0003);
        END LOOP;
    END$$});
$node->safe_psql('postgres', "INSERT INTO p (id, deleted_at) SELECT i, CASE WHEN i % 5 = 0 THEN now() END FROM generate_series(1, $rounds) AS i;
    INSERT INTO k (p, deleted_at) SELECT i, now() FROM generate_series(1, $rounds) AS i");

sub one_of { return $_[ int(rand(@_)) ]; }

sub statement
{
    my ($n, $deletes) = @_;
    return one_of(
        (map { ("DELETE FROM p_live WHERE id = $n", "UPDATE p SET deleted_at = clock_timestamp() WHERE id = $n AND deleted_at IS NULL") } 1 .. $deletes),
        "UPDATE p SET n = n + 1 WHERE id = $n",
        # stored out of line: the page is let go of meanwhile
        "UPDATE p SET big = repeat('x', 20000) WHERE id = $n",
        "UPDATE p SET deleted_at = NULL WHERE id = $n",
        "SELECT pg_sleep(" . rand(0.002) . ")");
}

# A session that is about the parent, or about rows that refer to it
sub transaction
{
    my ($n) = @_;
    my @steps = ('BEGIN ISOLATION LEVEL ' . one_of('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'));
    if (rand() < 0.5)
    {
        push @steps, 'SAVEPOINT s', map { statement($n, 2) } 1 .. one_of(1, 1, 2);
        # often faster than whoever is woken by it
        my @again = ('ROLLBACK TO s', map { statement($n, one_of(0, 2)) } 1 .. one_of(1, 2));
        push @again, one_of('COMMIT', 'COMMIT', 'ROLLBACK') if rand() < 0.7;
        push @steps, rand() < 0.7 ? join('\; ', @again) : @again;
    }
    else
    {
        push @steps, statement($n, 1) if rand() < 0.2;
        push @steps, 'SAVEPOINT s' if rand() < 0.2;
        push @steps, one_of("INSERT INTO k (p) VALUES ($n)", "INSERT INTO r (p) VALUES ($n)", "UPDATE k SET deleted_at = NULL WHERE p = $n", "DELETE FROM p_live WHERE id = $n");
        push @steps, 'ROLLBACK TO s', "INSERT INTO k (p) VALUES ($n)" if $steps[1] eq 'SAVEPOINT s';
        push @steps, "SELECT pg_sleep(" . rand(0.003) . ")" if rand() < 0.5;
    }
    return join(";\n", @steps, one_of('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK')) . ";\n";
}

my (@running, @err);
# into files: who waits for others must not wait for its messages to be read
for my $session (0 .. $sessions - 1)
{
    my $file = $node->basedir . "/session$session.sql";
    append_to_file($file, join '', map { 'SELECT meet(' . $sessions * $_ . ");\n" . transaction($_) } 1 .. $rounds);
    push @err, "$file.err";
    push @running, IPC::Run::start([ 'psql', '-XqAt', '-h', $node->host, '-p', $node->port, '-f', $file, 'postgres' ], '>', "$file.out", '2>', $err[$session]);
}
$_->finish for @running;
my $errors = join '', map { slurp_file($_) } @err;
my @strange = grep { !/violates (RESTRICT setting of )?foreign key constraint|deadlock detected|current transaction is aborted|could not serialize|savepoint "s" does not exist/ } $errors =~ /^.*ERROR:  .*$/mg;
is("@strange[0 .. ($#strange < 3 ? $#strange : 3)]", '', "SEED=$seed: no other errors");
is($node->safe_psql('postgres', q{SELECT p.id, 'k', k.id FROM k_live AS k JOIN p ON p.id = k.p WHERE p.deleted_at IS NOT NULL
    UNION ALL SELECT p.id, 'r', r.id FROM r_live AS r JOIN p ON p.id = r.p WHERE p.deleted_at IS NOT NULL ORDER BY 1, 2, 3}), '', "SEED=$seed: no live row refers to a deleted one");
my $live = $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM k_live) + (SELECT count(*) FROM r_live)');
my $deleted = $node->safe_psql('postgres', 'SELECT count(*) FROM p WHERE deleted_at IS NOT NULL');
cmp_ok($live, '>', $rounds / 10, 'rows have been inserted');
cmp_ok($deleted, '>', $rounds / 10, 'and deleted');
note("$live live, $deleted deleted, " . scalar(() = $errors =~ /violates/g) . ' refusals, ' . scalar(() = $errors =~ /deadlock/g) . ' deadlocks, ' . scalar(() = $errors =~ /serialize/g) . ' not serialized');
$node->stop;
done_testing();
