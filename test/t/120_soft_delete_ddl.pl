# Random DDL on tables with soft delete, much of it failing, undone or in the
# hands of several roles: after each statement the view is like its table.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SEED} // int(rand(1_000_000));
my $steps = $ENV{STEPS} // 1500;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', q{
    CREATE EXTENSION schemakit;
    CREATE ROLE ann; CREATE ROLE bob; CREATE ROLE eve;
    CREATE SCHEMA one; CREATE SCHEMA two; CREATE SCHEMA live;
    GRANT ALL ON SCHEMA one, two, live TO ann, bob, eve;
    CREATE TABLE one.a (id int PRIMARY KEY, c1 text, c2 int, c3 numeric);
    CREATE TABLE one.b (id int, part int, c1 text, c2 int, c3 numeric, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
    CREATE TABLE one.b_1 PARTITION OF one.b FOR VALUES IN (1);
    CREATE TABLE one.b_2 (c3 numeric, id int NOT NULL, part int NOT NULL, c1 text, c2 int);
    ALTER TABLE one.b ATTACH PARTITION one.b_2 DEFAULT;
    SELECT schemakit.soft_delete_enable('one.a'), schemakit.soft_delete_enable('one.b', view_name => 'live.b', protect => true);
    SELECT schemakit.auto_enable('soft_delete', '%'); -- which has nothing to do where it is enabled
    INSERT INTO one.a SELECT i, i, i, i FROM generate_series(1, 5) AS i;
    INSERT INTO one.b SELECT i, i % 3, i, i, i FROM generate_series(1, 5) AS i;
    CREATE TABLE tables AS SELECT oid FROM pg_class WHERE oid IN ('one.a'::regclass, 'one.b'::regclass);
    CREATE TABLE log (n int GENERATED ALWAYS AS IDENTITY, statement text, outcome text);
    GRANT ALL ON tables, log TO PUBLIC;
    CREATE FUNCTION one_of(VARIADIC text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1[1 + floor(random() * cardinality($1))::int]';

    -- the column that the trigger names
    CREATE FUNCTION stamp_of(t oid) RETURNS text LANGUAGE sql AS $$
    SELECT split_part(encode(tgargs, 'escape'), '\000', 1) FROM pg_trigger WHERE tgrelid = t AND tgname = 'zz_schemakit_soft_delete' $$;

    CREATE FUNCTION is_protected(t oid) RETURNS boolean LANGUAGE sql AS $$SELECT relkind = 'p' FROM pg_class WHERE oid = t$$;

    CREATE FUNCTION statement() RETURNS text LANGUAGE plpgsql AS $$
    DECLARE t regclass := (SELECT oid FROM tables ORDER BY random() LIMIT 1); c text; n text := 'c' || floor(random() * 9);
        part text;
    BEGIN
        SELECT attname INTO c FROM pg_attribute WHERE attrelid = t AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', 'part')
            AND (attname <> stamp_of(t) OR random() < 0.1) ORDER BY random() LIMIT 1;
        c := quote_ident(coalesce(c, 'c1'));
        RETURN CASE floor(random() * 16)
            WHEN 0 THEN format('ALTER TABLE %s ADD COLUMN %s %s', t, n, one_of('int', 'text DEFAULT ''x''', 'numeric(8,2)', 'int GENERATED ALWAYS AS (id) STORED'))
            WHEN 1 THEN format('ALTER TABLE %s DROP COLUMN %s %s', t, c, CASE WHEN c <> quote_ident(stamp_of(t)) THEN one_of('', '', 'CASCADE') END)
            WHEN 2 THEN format('ALTER TABLE %s ALTER COLUMN %s TYPE %s', t, c, one_of('text', 'varchar(40)', 'bigint', 'timestamptz', 'timestamp(3)'))
            WHEN 3 THEN format('ALTER TABLE %s ALTER COLUMN %s TYPE text, ADD COLUMN %s int, DROP COLUMN IF EXISTS %s', t, c, n, one_of('c1', 'c5', 'c7'))
            WHEN 4 THEN format('ALTER TABLE %s RENAME COLUMN %s TO %s', t, c, n)
            WHEN 5 THEN format('ALTER TABLE %s RENAME TO %I', t, one_of('a', 'b', 'c', 'Odd "name"', repeat('x', 63)))
            WHEN 6 THEN format('ALTER TABLE %s SET SCHEMA %s', t, one_of('one', 'two'))
            WHEN 7 THEN format('ALTER TABLE %s OWNER TO %s', t, one_of('ann', 'bob', 'postgres'))
            WHEN 8 THEN format('GRANT %s ON %s TO %s', one_of('SELECT', 'UPDATE', 'INSERT, DELETE', 'ALL', format('SELECT (%s)', c)), t, one_of('eve', 'bob', 'PUBLIC'))
            WHEN 9 THEN format('REVOKE %s ON %s FROM %s', one_of('SELECT', 'UPDATE', 'INSERT, DELETE', 'ALL', format('SELECT (%s)', c)), t, one_of('eve', 'bob', 'PUBLIC'))
            WHEN 10 THEN format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', t, stamp_of(t), one_of('timestamptz', 'timestamp(3)', 'timestamptz(0)'))
            WHEN 11 THEN format('ALTER TABLE %s ADD CHECK (%s IS NULL OR id < 1000000), DROP COLUMN %s', t, c, one_of('c2', 'nonsense', n))
            WHEN 12 THEN format('SELECT schemakit.soft_delete_enable(%L, %L, view_name => %L, protect => %L)', t, stamp_of(t), one_of('live.b', 'live.a', 'one.v', 'two.v'), is_protected(t))
            WHEN 13 THEN format('DO $x$BEGIN ALTER TABLE %s DROP COLUMN %s; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END$x$', t, c)
            WHEN 14 THEN format('ALTER TABLE %s RENAME COLUMN %I TO deleted_at', t, stamp_of(t))
            ELSE format('DO $x$BEGIN ALTER TABLE %s ADD COLUMN %s text; ALTER TABLE %s ALTER COLUMN %s TYPE varchar(9); END$x$', t, n, t, n)
        END;
    END$$;

    CREATE FUNCTION view_of(t oid) RETURNS oid LANGUAGE sql AS $$
    SELECT DISTINCT ev_class FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
    WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = t $$;

    CREATE FUNCTION columns_of(t oid) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod), attacl::text), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = t AND attnum > 0 AND NOT attisdropped $$;

    CREATE FUNCTION fault() RETURNS text LANGUAGE plpgsql AS $$
    DECLARE t oid; v oid; before int; deleted int; triggers text;
    BEGIN
        FOR t IN SELECT oid FROM tables LOOP
            v := view_of(t);
            IF (SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace IN ('one'::regnamespace, 'two'::regnamespace, 'live'::regnamespace)) <> 2 THEN RETURN 'another view'; END IF;
            SELECT string_agg(replace(tgname, 'zz_schemakit_soft_delete', '') || tgenabled::text, ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = t AND NOT tgisinternal INTO triggers;
            IF triggers <> (CASE WHEN is_protected(t) THEN 'O,_protectO,_protect_truncateO,_referenceO' ELSE 'O,_referenceO' END) THEN RETURN 'other triggers: ' || triggers; END IF;
            IF v IS NULL THEN RETURN 'no view of ' || t::regclass; END IF;
            IF columns_of(t) <> columns_of(v) THEN RETURN format('other columns of %s: %s, view %s', t::regclass, columns_of(t), columns_of(v)); END IF;
            IF (SELECT relowner FROM pg_class WHERE oid = t) <> (SELECT relowner FROM pg_class WHERE oid = v) THEN RETURN 'another owner of ' || v::regclass; END IF;
            IF (SELECT array_agg(x ORDER BY x) FROM pg_class, unnest(relacl::text[]) AS x WHERE oid = t) IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM pg_class, unnest(relacl::text[]) AS x WHERE oid = v)
                THEN RETURN format('other rights on %s: %s, %s', v::regclass, (SELECT relacl FROM pg_class WHERE oid = t), (SELECT relacl FROM pg_class WHERE oid = v)); END IF;
            IF EXISTS (SELECT FROM schemakit.status() WHERE relid = t AND feature = 'soft_delete' AND state <> 'ok') THEN RETURN (SELECT s::text FROM schemakit.status() AS s WHERE relid = t AND feature = 'soft_delete'); END IF;
            EXECUTE format('SELECT count(*) FROM %s', v::regclass) INTO before;
            EXECUTE format('DELETE FROM %s', v::regclass);
            GET DIAGNOSTICS deleted = ROW_COUNT;
            EXECUTE format('UPDATE %s SET %I = NULL', t::regclass, stamp_of(t));
            IF before <> 5 OR deleted <> 5 THEN RETURN format('%s of %s rows deleted through %s', deleted, before, v::regclass); END IF;
        END LOOP;
        RETURN NULL;
    END$$;

    CREATE PROCEDURE step() LANGUAGE plpgsql AS $$
    DECLARE s text := statement(); role text := one_of('postgres', 'postgres', 'ann', 'bob'); undo bool := random() < 0.2; o text := 'ok'; f text;
    BEGIN
        BEGIN
            PERFORM set_config('role', role, true);
            EXECUTE s;
            PERFORM set_config('role', 'postgres', true);
        EXCEPTION WHEN OTHERS THEN
            o := sqlstate || ' ' || sqlerrm;
        END;
        PERFORM set_config('role', 'postgres', true);
        f := fault();
        IF f IS NOT NULL THEN
            RAISE EXCEPTION 'after % by % (%): %', s, role, o, f;
        END IF;
        IF undo THEN
            ROLLBACK;
            o := o || ', undone';
        END IF;
        INSERT INTO log (statement, outcome) VALUES (s, o);
        COMMIT;
    END$$});
note("SEED=$seed");
my ($rc, $out, $err) = $node->psql('postgres', join("\n", 'SET client_min_messages = warning;', sprintf('SELECT setseed(%s);', $seed / 1_000_000), map { 'CALL step();' } 1 .. $steps),
    extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
is($rc, 0, "the views are like their tables, SEED=$seed") or diag($err);
is(join("\n", grep { /WARNING/ && !/no privileges (were|could)/ && !/not all privileges/ && !/could not update.* already exists/ } split "\n", $err), '', 'and no warnings, but of names that are taken');
my ($ok, $refused, $undone) = split /\|/, $node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE outcome = 'ok'), count(*) FILTER (WHERE outcome ~ '^[0-9]'), count(*) FILTER (WHERE outcome ~ 'undone') FROM log});
note("$ok done, $refused refused, $undone undone");
cmp_ok($ok, '>', $steps / 5, 'much of it was done');
is( $node->safe_psql('postgres', q{SELECT DISTINCT left(outcome, 5) FROM log WHERE outcome ~ '^(XX|0A)' AND outcome !~ 'cannot alter type of a column used'}), '', 'and no strange errors');
$node->stop;
done_testing();
