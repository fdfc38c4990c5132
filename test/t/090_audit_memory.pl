# Auditing takes no memory that grows with the rows of a statement, nor with the
# statements of a session.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_wal_size = '4GB'\nshared_buffers = '32MB'");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION schemakit;
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE UNLOGGED TABLE audited (id int PRIMARY KEY, v int, t text DEFAULT 'some text');
    CREATE UNLOGGED TABLE other (LIKE audited INCLUDING ALL);
    CREATE TRIGGER nothing AFTER INSERT OR UPDATE OR DELETE ON other FOR EACH ROW EXECUTE FUNCTION nothing();
    SELECT schemakit.audit_enable('audited');
    CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS
        $$SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmHWM:\s*(\d+)')::bigint$$});
my $megabyte = 1024;

# The peak of a fresh session that runs the statement, in kB.
sub peak_of
{
    my ($statement) = @_;
    my ($peak) = $node->safe_psql('postgres', "$statement; SELECT peak()") =~ /(\d+)\s*$/;
    return $peak;
}

SKIP:
{
    skip 'not checked: ' . no_memory_figures(), 4 if no_memory_figures();

    # as much as a trigger that does nothing, whose events the server queues as well
    for my $do ([ 'INSERT', 'INSERT INTO %s SELECT i, i FROM generate_series(1, 1000000) AS i' ], [ 'UPDATE', 'UPDATE %s SET v = v + 1' ], [ 'DELETE', 'DELETE FROM %s' ])
    {
        my ($name, $statement) = @$do;
        my $with = peak_of(sprintf($statement, 'audited'));
        my $without = peak_of(sprintf($statement, 'other'));
        note("$name of 1,000,000 rows: $with kB audited, $without kB with a trigger that does nothing");
        cmp_ok($with - $without, '<', 8 * $megabyte, "$name of 1,000,000 rows");
    }
    is($node->safe_psql('postgres', q{SELECT count(*) FROM schemakit.audit_event WHERE op <> 'C'}), '3000000', 'all of them are recorded');
}

# A session of many statements, of all kinds that keep something: savepoints,
# actors, COPY, DDL that makes entries anew.
$node->safe_psql('postgres', q{CREATE TABLE small (id int PRIMARY KEY, v int);
    SELECT schemakit.audit_enable('small');
    INSERT INTO small SELECT i, 0 FROM generate_series(1, 100) AS i;
    CREATE PROCEDURE work(n int) LANGUAGE plpgsql AS $$
    BEGIN
        FOR i IN 1..n LOOP
            BEGIN
                UPDATE small SET v = v + 1 WHERE id = i % 100 + 1;
                PERFORM set_config('schemakit.audit_actor', 'actor ' || i, true);
                IF i % 10 = 0 THEN RAISE 'undo'; END IF;
            EXCEPTION WHEN raise_exception THEN NULL;
            END;
            IF i % 500 = 0 THEN EXECUTE 'ALTER TABLE small ALTER v SET STATISTICS ' || i % 100; END IF;
            IF i % 7 = 0 THEN COMMIT; END IF;
        END LOOP;
    END$$;
    CREATE FUNCTION kept() RETURNS bigint LANGUAGE sql AS
        'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts'});
my $sizes = $node->safe_psql('postgres', q{SET client_min_messages = error;
CALL work(10000); SELECT kept();
CALL work(90000); SELECT kept();
SELECT total_bytes FROM pg_backend_memory_contexts WHERE name LIKE 'schemakit%' ORDER BY total_bytes DESC LIMIT 1});
my ($early, $late, $ours) = split "\n", $sizes;
note("after 10,000 statements $early bytes, after 100,000 $late; the largest context of schemakit $ours");
cmp_ok($late - $early, '<', 256 * 1024, '100,000 statements of one session keep no more than 10,000');
cmp_ok($ours, '<', 64 * 1024, "schemakit's own contexts are small");

# The same of statements that the client sends: savepoints, COPY, rolled back ones.
append_to_file($node->basedir . '/copy', "1000\t0\n");
my $copy = $node->basedir . '/copy';
my $round = join '', map { "BEGIN; SAVEPOINT a; UPDATE small SET v = v + 1 WHERE id = $_ /*actor='a$_'*/; SAVEPOINT b; DELETE FROM small WHERE id = $_; ROLLBACK TO b; RELEASE a; COPY small FROM '$copy'; DELETE FROM small WHERE id = 1000; COMMIT;\n" } 1 .. 100;
my @sent = split "\n", $node->safe_psql('postgres', $round x 2 . 'SELECT kept();' . $round x 18 . 'SELECT kept()');
note("after 2,000 statements that wait for no other $sent[0] bytes, after 20,000 $sent[1]");
cmp_ok($sent[1] - $sent[0], '<', 256 * 1024, 'so do savepoints and COPY');

$node->stop;
done_testing();
