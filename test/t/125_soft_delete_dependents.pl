# Random DDL on a table with soft delete, on whose view all kinds of things are built:
# each statement does what it does to a table without soft delete, and whatever was built
# on the view is there and works.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SEED} // int(rand(1_000_000));
my $steps = $ENV{STEPS} // 700;
srand($seed);
note("SEED=$seed");
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nclient_min_messages = warning");
$node->start;

my $both = q{
    CREATE SCHEMA app; CREATE SCHEMA other; CREATE SCHEMA types;
    CREATE TABLE app.t (id int PRIMARY KEY, keep int, c1 text, c2 int, c3 numeric, deleted_at timestamptz);
    INSERT INTO app.t SELECT i, i, i, i, i FROM generate_series(1, 4) AS i;
    CREATE TABLE app.kid () INHERITS (app.t);
    CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';};
$node->safe_psql('postgres', 'CREATE DATABASE plain; CREATE DATABASE kit; CREATE ROLE ann; CREATE ROLE bob;');
$node->safe_psql($_, $both) for qw(plain kit);
$node->safe_psql('kit', q{
    CREATE EXTENSION schemakit;
    CREATE SCHEMA built;
    CREATE TABLE built.secured (id int);
    CREATE FUNCTION built.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    SELECT schemakit.soft_delete_enable('app.t');
    CREATE FUNCTION built.fault() RETURNS text LANGUAGE plpgsql AS $$
    DECLARE t text; v text := 'app.v'; n text; f text; r record; before int;
    BEGIN
        SELECT oid::regclass INTO t FROM pg_class WHERE relname = 't' AND relkind = 'r';
        SELECT c.oid::regclass INTO v FROM pg_class AS c JOIN pg_rewrite AS w ON ev_class = c.oid WHERE relkind = 'v' AND relname = 't_live';
        IF v IS NULL THEN RETURN 'no view'; END IF;
        SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname) INTO n FROM pg_attribute WHERE attrelid = t::regclass AND attnum > 0 AND NOT attisdropped;
        SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname) INTO f FROM pg_attribute WHERE attrelid = v::regclass AND attnum > 0 AND attname NOT LIKE '....%';
        IF n <> f THEN RETURN format('table %s, view %s', n, f); END IF;
        SELECT string_agg(s::text, ' ') INTO f FROM schemakit.status() AS s WHERE feature = 'soft_delete' AND state <> 'ok';
        IF f IS NOT NULL THEN RETURN f; END IF;
        -- what depends on it is not only there, but can be used
        EXECUTE format('SELECT count(*) FROM %s', v) INTO before;
        EXECUTE format('SELECT count(x::text) FROM %s AS x', v) INTO before;
        FOR r IN SELECT relname, relkind FROM pg_class WHERE relnamespace = 'built'::regnamespace AND relkind IN ('v', 'm') LOOP
            IF r.relkind = 'm' THEN EXECUTE format('REFRESH MATERIALIZED VIEW built.%I', r.relname); END IF;
            EXECUTE format('SELECT sum(keep) FROM built.%I', r.relname) INTO n;
            IF n <> '10' THEN RETURN r.relname || ': ' || n; END IF;
        END LOOP;
        FOR r IN SELECT oid::regprocedure AS p FROM pg_proc WHERE pronamespace = 'built'::regnamespace AND proname LIKE 'set_%' LOOP
            EXECUTE format('SELECT sum(keep) FROM %s', r.p) INTO n;
            IF n <> '10' THEN RETURN r.p || ': ' || n; END IF;
        END LOOP;
        FOR r IN SELECT oid::regprocedure AS p, proname FROM pg_proc WHERE pronamespace = 'built'::regnamespace AND proname LIKE 'of_%' LOOP
            EXECUTE format('SELECT sum(built.%I(x)) FROM %s AS x', r.proname, v) INTO n;
            IF n <> '10' THEN RETURN r.p || ': ' || n; END IF;
        END LOOP;
        FOR r IN SELECT oid::regclass AS c FROM pg_class WHERE relnamespace = 'built'::regnamespace AND relname LIKE 'row_%' LOOP
            EXECUTE format('SELECT sum((x).keep) FROM %s', r.c) INTO n;
            IF n <> '10' THEN RETURN r.c || ': ' || n; END IF;
        END LOOP;
        -- and so can the view
        IF NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = v::regclass AND rulename LIKE 'rule%') THEN
            EXECUTE format('DELETE FROM ONLY %s WHERE id = 1', v);
            GET DIAGNOSTICS before = ROW_COUNT;
            IF before <> 1 THEN RETURN 'deleted ' || before; END IF;
            EXECUTE format('UPDATE %s SET deleted_at = NULL', t);
        END IF;
        RETURN NULL;
    END$$;
    -- all that was built, but for what is the view's and the table's own
    CREATE FUNCTION built.list() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(what, E'\n' ORDER BY what COLLATE "C") FROM (
        SELECT concat_ws(' ', relkind, relname) AS what FROM pg_class WHERE relnamespace = 'built'::regnamespace
        UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'built'::regnamespace
        UNION ALL SELECT 'policy ' || polname FROM pg_policy
        UNION ALL SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger')) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid WHERE relkind = 'v'
        UNION ALL SELECT concat_ws(' ', pg_get_ruledef(r.oid), obj_description(r.oid, 'pg_rewrite')) FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = ev_class WHERE rulename LIKE 'rule%'
        UNION ALL SELECT concat_ws(' ', 'view', relname, reloptions::text, relacl::text, relowner::regrole::text, obj_description(oid, 'pg_class')) FROM pg_class WHERE relname = 't_live'
        UNION ALL SELECT concat_ws(' ', 'column', attname, attacl::text, col_description(attrelid, attnum), pg_get_expr(adbin, adrelid))
            FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON adrelid = attrelid AND adnum = attnum
            WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = 't_live') AND attname IN ('id', 'keep', 'deleted_at')) AS x $$;});

sub one_of { return $_[ int(rand(@_)) ] }

# A command on the table's columns, for both databases
sub command
{
    my $c = one_of(map { "c$_" } 1 .. 6);
    my $n = one_of(map { "c$_" } 1 .. 6);
    my $type = one_of('int', 'text', 'varchar(20)', 'numeric', 'bigint', 'types.mood', 'types.dom', 'types.pair', 'text COLLATE "C"', 'int[]');
    my $t = one_of('app.t', 'app.t', 'ONLY app.t');
    my $cascade = one_of('', '', 'CASCADE');
    return one_of(
        "ALTER TABLE app.t ADD COLUMN $n $type",
        "ALTER TABLE app.t ADD COLUMN $n int GENERATED ALWAYS AS (app.twice(keep)) STORED",
        "ALTER TABLE $t DROP COLUMN $c $cascade",
        "ALTER TABLE $t DROP COLUMN $c $cascade",
        "ALTER TABLE app.t DROP COLUMN IF EXISTS $c, ADD COLUMN $n $type",
        "ALTER TABLE app.t ALTER COLUMN $c TYPE $type USING NULL",
        "ALTER TABLE app.t ALTER COLUMN $c TYPE text, DROP COLUMN $n $cascade",
        "ALTER TABLE app.t RENAME COLUMN $c TO $n",
        'DROP FUNCTION app.twice CASCADE',
        "CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT \$1 * 2'",
        ("CREATE TYPE types.mood AS ENUM ('a', 'b')", 'CREATE DOMAIN types.dom AS int', 'CREATE TYPE types.pair AS (a int, b text)') x 3,
        "DROP TYPE types.mood $cascade", "DROP DOMAIN types.dom $cascade", "DROP TYPE types.pair $cascade",
        'ALTER TYPE types.pair ADD ATTRIBUTE c int',
        'DROP SCHEMA types CASCADE; CREATE SCHEMA types',
        "DO \$\$BEGIN ALTER TABLE app.t DROP COLUMN $c CASCADE; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END\$\$",
        "BEGIN; ALTER TABLE app.t DROP COLUMN $c; ALTER TABLE app.t ADD COLUMN $c text; COMMIT",
        "BEGIN; ALTER TABLE app.t DROP COLUMN $c; ROLLBACK",
        'ALTER TABLE app.t RENAME TO t2; ALTER TABLE app.t2 RENAME TO t',
        'ALTER TABLE app.t SET SCHEMA other; ALTER TABLE other.t SET SCHEMA app');
}

# Something is built on the view, or taken away; what reads columns reads those only
# that are never changed.
my $count = 0;
sub building
{
    my $n = ++$count;
    return one_of(
        "CREATE VIEW built.view_$n AS SELECT id, keep FROM app.t_live",
        "CREATE MATERIALIZED VIEW built.mat_$n AS SELECT keep FROM app.t_live AS x JOIN app.t_live AS y USING (id, keep)",
        "CREATE FUNCTION built.set_$n() RETURNS SETOF app.t_live LANGUAGE sql AS 'SELECT * FROM app.t_live'",
        "CREATE FUNCTION built.set_$n() RETURNS TABLE (keep int) LANGUAGE sql BEGIN ATOMIC SELECT keep FROM app.t_live; END",
        "CREATE FUNCTION built.of_$n(app.t_live) RETURNS int LANGUAGE sql AS 'SELECT \$1.keep'",
        "CREATE TABLE built.row_$n AS SELECT x FROM app.t_live AS x",
        "CREATE POLICY policy_$n ON built.secured USING (id IN (SELECT id FROM app.t_live))",
        "CREATE TRIGGER trigger_$n INSTEAD OF INSERT ON app.t_live FOR EACH ROW EXECUTE FUNCTION built.pass(); COMMENT ON TRIGGER trigger_$n ON app.t_live IS 'no $n'",
        "CREATE TRIGGER trigger_$n BEFORE UPDATE ON app.t_live FOR EACH STATEMENT EXECUTE FUNCTION built.pass()",
        "CREATE RULE rule_$n AS ON INSERT TO app.t_live DO ALSO NOTIFY built; COMMENT ON RULE rule_$n ON app.t_live IS 'no $n'",
        "ALTER VIEW app.t_live ALTER COLUMN id SET DEFAULT $n",
        "COMMENT ON VIEW app.t_live IS 'no $n'", "COMMENT ON COLUMN app.t_live.keep IS 'no $n'",
        "GRANT SELECT ON app.t_live TO ann", "GRANT UPDATE (keep) ON app.t_live TO bob", "REVOKE ALL ON app.t_live FROM ann",
        'ALTER VIEW app.t_live SET (security_barrier = true)',
        map { ($_) x 6 } ("DROP SCHEMA built_nothing", <<'SQL'));
DO $$DECLARE d text; BEGIN
    SELECT what INTO d FROM (
        SELECT format('DROP %s built.%I', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, relname) AS what FROM pg_class WHERE relnamespace = 'built'::regnamespace AND relkind IN ('v', 'm', 'r') AND relname <> 'secured'
        UNION ALL SELECT 'DROP FUNCTION ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'built'::regnamespace AND proname ~ '_\d+$'
        UNION ALL SELECT format('DROP POLICY %I ON built.secured', polname) FROM pg_policy
        UNION ALL SELECT format('DROP TRIGGER %I ON app.t_live', tgname) FROM pg_trigger WHERE tgname LIKE 'trigger_%'
        UNION ALL SELECT format('DROP RULE %I ON app.t_live', rulename) FROM pg_rewrite WHERE rulename LIKE 'rule_%') AS x ORDER BY random() LIMIT 1;
    IF d IS NOT NULL THEN EXECUTE d; END IF;
END$$
SQL
}

# Everything as two scripts, which say the outcome of each command.
my ($plain, $kit) = ("\\set VERBOSITY sqlstate\n") x 2;
for my $i (1 .. $steps)
{
    if ($i % 3 == 0)
    {
        $kit .= building() . ";\n";
        next;
    }
    my $command = command();
    $plain .= "\\echo -- $i: $command\n$command;\nROLLBACK;\n";
    $kit .= "SELECT built.list() AS before \\gset\n\\echo -- $i: $command\n$command;\nROLLBACK;\n";
    $kit .= "SELECT built.fault() AS fault WHERE built.fault() IS NOT NULL; SELECT 'lost: ' || x AS lost FROM string_to_table(:'before', E'\\n') AS x WHERE x NOT IN (SELECT string_to_table(built.list(), E'\\n'));\n\\echo -- 0: built\n";
}
my %out;
for ([ plain => $plain ], [ kit => $kit ])
{
    my ($db, $script) = @$_;
    my $file = PostgreSQL::Test::Utils::tempdir . "/$db.sql";
    append_to_file($file, $script);
    local $ENV{PGCLIENTENCODING} = 'UTF8';
    $out{$db} = `psql -XAtq -h @{[ $node->host ]} -p @{[ $node->port ]} -U postgres -f $file $db 2>&1`;
    $out{$db} =~ s/^psql:\S+: //gm;
    $out{$db} =~ s/^WARNING:  25P01$//gm;
}
my $done = () = $out{plain} =~ /^-- /gm;
my $failed = () = $out{plain} =~ /^ERROR/gm;
note("$done commands, $failed errors");
cmp_ok($done - $failed, '>', $steps / 5, 'much of it was done');

# by step: what it says in each
sub steps_of
{
    my ($text) = @_;
    my %step;
    my $n = 0;
    for (split /\n/, $text)
    {
        $n = $1, $step{$n} = [$_] if /^-- (\d+): /;
        push @{ $step{$n} }, $_ if $_ ne '' && !/^-- /;
    }
    return \%step;
}
my ($p, $k) = (steps_of($out{plain}), steps_of($out{kit}));
my @wrong;
for my $i (sort { $a <=> $b } keys %$p)
{
    my @theirs = grep { /^ERROR/ } @{ $p->{$i} };
    my @ours = @{ $k->{$i} }[ 1 .. $#{ $k->{$i} } ];
    push @wrong, "$p->{$i}[0]\n  without: @theirs\n  with: @ours" if "@theirs" ne "@ours";
}
is(scalar @wrong, 0, 'everything is as without soft delete, and what was built on the view is there') or diag("SEED=$seed, the first:\n" . join("\n", @wrong[ 0 .. ($#wrong > 2 ? 2 : $#wrong) ]));
unlike($out{kit}, qr/WARNING/, 'and no warnings');
unlike($out{kit}, qr/ERROR:  XX/, 'and no internal errors');
$node->stop;
done_testing();
