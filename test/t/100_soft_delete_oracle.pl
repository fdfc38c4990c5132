# Soft delete in generated schemas against real deletes in their twins, and
# from several sessions at once.  SCHEMAKIT_ORACLE=long: more and longer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $long = ($ENV{SCHEMAKIT_ORACLE} // '') eq 'long';
my $seed = $ENV{SEED} // int(rand(1_000_000));
my ($schemas, $steps) = $long ? (100, 400) : (12, 100);
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "deadlock_timeout = 20ms\nfsync = off");
$node->start;
my $oracle = slurp_file("$FindBin::Bin/lib/soft_delete_oracle.sql");

sub new_schema
{
    my ($db, $n, $rows) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    $node->safe_psql($db, "CREATE EXTENSION schemakit; CREATE EXTENSION amcheck; $oracle");
    $node->safe_psql($db, sprintf('SELECT setseed(%s); SELECT make_schema(5, 8); SELECT fill(%s)', $n / 1_000_000, $rows));
    return;
}

my %count;
note("seed $seed");
# The first one is of a schema in which two batches followed each other for ever.
for my $i (0 .. $schemas)
{
    my $n = $i == 0 ? 669049 : ($seed + $i) % 1_000_000;
    my $db = "oracle$i";
    new_schema($db, $n, 8);
    my $calls = join "\n", sprintf('SELECT setseed(%s);', $n / 1_000_000 + 1e-7), map { "CALL step($_);" } 1 .. $steps;
    my ($rc, $out, $err) = $node->psql($db, $calls, extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
    $count{$_}++ for grep { $_ } split "\n", $out;
    is($rc . $err, '0', "a generated schema, SEED=$n") or last;
    $node->safe_psql('postgres', "DROP DATABASE $db");
}
note(join ', ', map { "$_: $count{$_}" } sort keys %count);
for my $what ('deleted', 'restored', 'refused alike', 'not restored', 'really deleted')
{
    cmp_ok($count{$what} // 0, '>', $schemas / 4, "$what: it has been tried");
}
cmp_ok($count{'refused otherwise'} // 0, '<', $count{'refused alike'} / 5, 'refusals are those of a real delete, mostly word for word');
cmp_ok(($count{'not refused'} // 0) + ($count{'refused only here'} // 0), '<', ($count{deleted} + $count{'refused alike'}) / 50, 'hardly any deletion is refused on one side only');
cmp_ok($count{'restored otherwise'} // 0, '<', $count{restored} / 20, 'hardly any restore that a replay would not allow');

# Several sessions: whatever they do, at the end no live row violates a key, and
# nothing went wrong but what can go wrong between sessions.
for my $i (1 .. ($long ? 20 : 3))
{
    my $n = ($seed + 1000 + $i) % 1_000_000;
    my $db = "sessions$i";
    new_schema($db, $n, 3);
    $node->safe_psql($db, q{CREATE FUNCTION act() RETURNS void LANGUAGE plpgsql AS $$
        DECLARE tab int := (SELECT n FROM tables ORDER BY random() LIMIT 1); dice float8 := random(); ids int[] := random_ids(tab, 1 + floor(random() * 3)::int);
        BEGIN
            IF dice < 0.35 THEN EXECUTE format('DELETE FROM s.t%s_live WHERE id = ANY (%L)', tab, ids);
            ELSIF dice < 0.7 THEN EXECUTE format('UPDATE s.t%s SET deleted_at = NULL WHERE id = ANY (%L)', tab, ids);
            ELSIF dice < 0.9 THEN PERFORM add_row(tab, nextval('new_id')::int);
            ELSIF dice < 0.95 THEN PERFORM schemakit.soft_delete_purge(format('s.t%s', tab), '0', 3, force => true);
            ELSE EXECUTE format('DELETE FROM s.t%s WHERE id = %s', tab, ids[1]);
            END IF;
            PERFORM pg_sleep(random() * 0.004);
        END$$;
        CREATE SEQUENCE new_id START 10000});
    my $file = $node->basedir . "/act$i.sql";
    append_to_file($file, "BEGIN;\nSELECT act();\nSELECT act();\nCOMMIT;\nSELECT act();\n" x ($long ? 400 : 100));
    my (@sessions, @err);
    for my $session (0 .. 5)
    {
        push @err, '';
        push @sessions, IPC::Run::start([ 'psql', '-XqAt', '-h', $node->host, '-p', $node->port, '-f', $file, $db ], '>', \my $out, '2>', \$err[$session]);
    }
    $_->finish for @sessions;
    my $errors = join '', @err;
    my @strange = grep { !/violates (RESTRICT setting of )?foreign key constraint|deadlock detected|current transaction is aborted|duplicate key/ } $errors =~ /^.*ERROR:  .*$/mg;
    is("@strange[0 .. ($#strange < 3 ? $#strange : 3)]", '', "sessions, SEED=$n: no other errors");
    is($node->safe_psql($db, q{SELECT load_twin('live'); SELECT 'all keys hold'}) =~ s/^\n//r, 'all keys hold', 'no live row violates a key');
    is($node->safe_psql($db, q{SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 's' AND c.relkind = 'i'; SELECT 'sound'}) =~ s/^\n*//r, 'sound', 'indexes are sound');
    note(scalar(() = $errors =~ /violates/g) . ' refusals, ' . scalar(() = $errors =~ /deadlock/g) . ' deadlocks');
}
$node->stop;
done_testing();
