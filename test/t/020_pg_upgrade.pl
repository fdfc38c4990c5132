# pg_upgrade keeps triggers, rules and rows, by copy and by link.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SchemakitTest;
use Test::More;

my %option = (copy => [], link => ['--link']);
for my $mode (sort keys %option)
{
    my $old = PostgreSQL::Test::Cluster->new("old_$mode");
    $old->init;
    $old->start;
    $old->safe_psql('postgres', q{
CREATE TABLE before_extension (id int, updated_at timestamptz);
CREATE EXTENSION schemakit;
CREATE TABLE t (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE "Opted Out" (id int, "updatedAt" timestamp(3));
ALTER TABLE "Opted Out" DISABLE TRIGGER zz_schemakit_touch;
CREATE TABLE p (id int, modified_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE hand (id int, updated_at timestamptz, at timestamptz);
DROP TRIGGER zz_schemakit_touch ON hand;
CREATE TRIGGER mine BEFORE UPDATE ON hand FOR EACH ROW EXECUTE FUNCTION schemakit.touch('at', 'always');
SELECT schemakit.auto_enable('timestamps', 'app', '%', '{"col": "at"}');
SELECT schemakit.auto_disable(1);
CREATE TABLE uncovered (id int, updated_at timestamptz);
INSERT INTO t VALUES (1, '2020-01-01');
INSERT INTO p VALUES (1, '2020-01-01');
INSERT INTO before_extension VALUES (1, '2020-01-01');
});
    my $before = fingerprint($old, 'postgres');
    my $bindir = $old->config_data('--bindir');
    $old->stop;

    my $new = PostgreSQL::Test::Cluster->new("new_$mode");
    $new->init;
    chdir($new->basedir) or die;    # pg_upgrade writes where it is started
    command_ok(
        [   'pg_upgrade', '--no-sync', @{ $option{$mode} }, '-d', $old->data_dir, '-D', $new->data_dir,
            '-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $old->port, '-P', $new->port ],
        "$mode: pg_upgrade");
    $new->start;
    is(fingerprint($new, 'postgres'), $before, "$mode: the same triggers, rules and rows");
    is( $new->safe_psql('postgres', q{UPDATE t SET id = 2 RETURNING updated_at = now()}),
        't', "$mode: an update advances");
    $new->safe_psql('postgres', q{SELECT schemakit.auto_enable('timestamps', '%')});
    is( $new->safe_psql('postgres', q{CREATE TABLE n (id int, updated_at timestamptz); INSERT INTO n VALUES (1, '2020-01-01');
            UPDATE n SET id = 2 RETURNING updated_at = now()}),
        't', "$mode: a new table is covered");
    $new->safe_psql('postgres', 'DROP EXTENSION schemakit');
    is(triggers($new, 'postgres'), '', "$mode: DROP EXTENSION takes all triggers away");
    $new->stop;
}

done_testing();
