-- The oracle of soft delete: a generated schema of related tables, s, and its
-- twin, t, without soft delete.  What is live in s must be what is left in t
-- when all rows are put there and the deletions that have not been taken back
-- are done for good, in their order; and what t refuses s must refuse alike.
CREATE SCHEMA s;
CREATE SCHEMA t;
CREATE TABLE tables (n int PRIMARY KEY, composite bool, partitioned bool, stamp text);
CREATE TABLE keys (name text PRIMARY KEY, child int, parent int, target text, action text);
CREATE TABLE deletions (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tab int, ids int[]);

CREATE FUNCTION one_of(VARIADIC text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1[1 + floor(random() * cardinality($1))::int]';

-- Both schemas get the same objects in the same order, so that the server looks
-- at foreign keys in the same order, too.
CREATE FUNCTION make_table(sch text, n int, composite bool, partitioned bool, stamp text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE extra text := CASE WHEN sch = 's' THEN format(', deleted_at %s', stamp) ELSE '' END;
BEGIN
    EXECUTE format('CREATE TABLE %I.t%s (k text, %s id int NOT NULL, u int%s, PRIMARY KEY (%s), UNIQUE (%s)) %s', sch, n,
        CASE WHEN sch = 's' THEN 'junk int,' ELSE '' END, extra, CASE WHEN composite THEN 'k, id' ELSE 'id' END,
        CASE WHEN partitioned THEN 'u, id' ELSE 'u' END, CASE WHEN partitioned THEN 'PARTITION BY HASH (id)' ELSE '' END);
    IF sch = 's' THEN
        EXECUTE format('ALTER TABLE s.t%s DROP COLUMN junk', n);
    END IF;
    IF partitioned THEN
        EXECUTE format('CREATE TABLE %I.t%s_0 PARTITION OF %I.t%s FOR VALUES WITH (MODULUS 2, REMAINDER 0)', sch, n, sch, n);
        -- with the columns in another order
        EXECUTE format('CREATE TABLE %I.t%s_1 (u int, id int NOT NULL, k text %s%s)', sch, n, CASE WHEN composite THEN 'NOT NULL' ELSE '' END, extra);
        EXECUTE format('ALTER TABLE %I.t%s ATTACH PARTITION %I.t%s_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)', sch, n, sch, n);
    END IF;
END$$;

CREATE FUNCTION make_key(sch text, name text, child int, parent int, target text, action text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE cols text := CASE target WHEN 'k, id' THEN format('%s_k, %s_id', name, name) ELSE format('%s_%s', name, target) END;
BEGIN
    EXECUTE format('ALTER TABLE %I.t%s ADD COLUMN %s_id int, ADD COLUMN %s_k text, ADD COLUMN %s_u int', sch, child, name, name, name);
    EXECUTE format('ALTER TABLE %I.t%s ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %I.t%s (%s) ON DELETE %s %s',
        sch, child, name, cols, sch, parent, target, action, CASE WHEN sch = 't' THEN 'DEFERRABLE' ELSE '' END);
END$$;

CREATE FUNCTION make_schema(ntables int, nkeys int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record; c int; p int; part bool; comp bool;
BEGIN
    FOR n IN 1 .. ntables LOOP
        INSERT INTO tables VALUES (n, random() < 0.3, random() < 0.3, one_of('timestamptz', 'timestamptz', 'timestamp', 'timestamptz(3)'));
    END LOOP;
    FOR n IN 1 .. nkeys LOOP
        c := 1 + floor(random() * ntables);
        p := 1 + floor(random() * ntables);
        SELECT composite, partitioned INTO comp, part FROM tables WHERE tables.n = p;
        INSERT INTO keys VALUES ('f' || n, c, p, CASE WHEN random() < 0.2 AND NOT part THEN 'u' WHEN comp THEN 'k, id' ELSE 'id' END,
            one_of('CASCADE', 'CASCADE', 'CASCADE', 'RESTRICT', 'NO ACTION', 'SET NULL', 'SET DEFAULT'));
    END LOOP;
    FOR r IN SELECT sch, tables.* FROM tables, unnest('{s,t}'::text[]) AS sch ORDER BY sch, n LOOP
        PERFORM make_table(r.sch, r.n, r.composite, r.partitioned, r.stamp);
    END LOOP;
    FOR r IN SELECT sch, keys.* FROM keys, unnest('{s,t}'::text[]) AS sch ORDER BY sch, length(name), name LOOP
        PERFORM make_key(r.sch, r.name, r.child, r.parent, r.target, r.action);
    END LOOP;
    FOR r IN SELECT * FROM tables LOOP
        PERFORM schemakit.soft_delete_enable(format('s.t%s', r.n));
    END LOOP;
END$$;

-- Let the row refer to rows that are live, or to none.
CREATE FUNCTION link_row(tab int, which int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record; target record;
BEGIN
    FOR r IN SELECT * FROM keys WHERE child = tab LOOP
        IF random() < 0.85 THEN
            EXECUTE format('SELECT k, id, u FROM s.t%s_live ORDER BY random() LIMIT 1', r.parent) INTO target;
            EXECUTE format('UPDATE s.t%s SET %s_k = %L, %s_id = %L, %s_u = %L WHERE id = %s', tab, r.name, target.k, r.name, target.id, r.name, target.u, which);
        END IF;
    END LOOP;
END$$;

CREATE FUNCTION add_row(tab int, new_id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO s.t%s_live (k, id, u) VALUES (%L, %s, %s)', tab, 'k' || new_id, new_id, new_id * 10);
    PERFORM link_row(tab, new_id);
END$$;

-- Some rows are linked again when all are there: only so can they refer to each
-- other in a cycle.
CREATE FUNCTION fill(nrows int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR i IN 1 .. nrows LOOP
        FOR r IN SELECT n FROM tables ORDER BY random() LOOP
            PERFORM add_row(r.n, i);
        END LOOP;
    END LOOP;
    FOR i IN 1 .. nrows LOOP
        FOR r IN SELECT n FROM tables ORDER BY n LOOP
            IF random() < 0.4 THEN
                PERFORM link_row(r.n, i);
            END IF;
        END LOOP;
    END LOOP;
END$$;

CREATE FUNCTION columns_of(tab int) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = format('t.t%s', tab)::regclass AND attnum > 0 AND NOT attisdropped $$;

-- All rows into the twin; or only those that are live, without links to others.
CREATE FUNCTION load_twin(which text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('t.t%s', n), ', ') FROM tables);
    SET CONSTRAINTS ALL DEFERRED;
    FOR r IN SELECT n FROM tables LOOP
        EXECUTE format('INSERT INTO t.t%s (%s) SELECT %s FROM s.t%s%s', r.n, columns_of(r.n), columns_of(r.n), r.n, CASE which WHEN 'live' THEN '_live' ELSE '' END);
    END LOOP;
    IF which = 'live' THEN
        FOR r IN SELECT * FROM keys WHERE action LIKE 'SET%' LOOP
            EXECUTE format('UPDATE t.t%s AS c SET %s_k = NULL, %s_id = NULL, %s_u = NULL WHERE %s_id IS NOT NULL AND NOT EXISTS (SELECT FROM t.t%s AS p WHERE p.id = c.%s_id)',
                r.child, r.name, r.name, r.name, r.name, r.parent, r.name);
        END LOOP;
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
END$$;

-- A statement, and how it ends: the rows that it returns, or its error
CREATE TYPE outcome AS (ids int[], state text, message text, detail text, name text, tab text);
CREATE FUNCTION try(sql text) RETURNS outcome LANGUAGE plpgsql AS $$
DECLARE o outcome;
BEGIN
    EXECUTE format('WITH d AS (%s RETURNING id) SELECT array_agg(id ORDER BY id) FROM d', sql) INTO o.ids;
    RETURN o;
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
    GET STACKED DIAGNOSTICS o.state = RETURNED_SQLSTATE, o.message = MESSAGE_TEXT, o.detail = PG_EXCEPTION_DETAIL, o.name = CONSTRAINT_NAME, o.tab = TABLE_NAME;
    RETURN o;
END$$;

-- The deletions but one, for good; false if one of them is refused.  Each is a
-- transaction: the server checks more of rows that are as new as it itself.
CREATE PROCEDURE replay(but int, INOUT possible bool) LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    PERFORM load_twin('all');
    COMMIT;
    possible := true;
    FOR r IN SELECT * FROM deletions WHERE n IS DISTINCT FROM but ORDER BY n LOOP
        IF (try(format('DELETE FROM t.t%s WHERE id = ANY (%L)', r.tab, r.ids))).state IS NOT NULL THEN
            possible := false;
        END IF;
        COMMIT;
    END LOOP;
END$$;

CREATE FUNCTION live(sch text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; ids text; result text := '';
BEGIN
    FOR r IN SELECT n FROM tables ORDER BY n LOOP
        EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM %I.t%s%s', sch, r.n, CASE sch WHEN 's' THEN '_live' ELSE '' END) INTO ids;
        result := result || format(E't%s: %s\n', r.n, ids);
    END LOOP;
    RETURN result;
END$$;

CREATE FUNCTION contents() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; content text; result text := '';
BEGIN
    FOR r IN SELECT n FROM tables ORDER BY n LOOP
        EXECUTE format('SELECT string_agg(x::text, E''\n'' ORDER BY id) FROM s.t%s AS x', r.n) INTO content;
        result := result || format(E't%s:\n%s\n', r.n, content);
    END LOOP;
    RETURN result;
END$$;

-- What a deletion took comes back when it is taken back at once.
CREATE FUNCTION is_inverse(tab int, ids int[], before text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE s.t%s SET deleted_at = NULL WHERE id = ANY (%L)', tab, ids);
    IF contents() = before THEN
        RAISE EXCEPTION 'same' USING ERRCODE = 'P0099';
    END IF;
    RETURN false;
EXCEPTION WHEN SQLSTATE 'P0099' THEN RETURN true;
END$$;

CREATE FUNCTION fail(what text, details text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'oracle: % %', what, details || E'\n' || live('s') || E'twin:\n' || live('t') || coalesce((SELECT string_agg(d::text, ' ' ORDER BY n) FROM deletions AS d), '');
END$$;

CREATE PROCEDURE step_delete(tab int, ids int[], way text, INOUT result text) LANGUAGE plpgsql AS $$
DECLARE ours outcome; theirs outcome; before text := contents();
BEGIN
    PERFORM load_twin('live');
    COMMIT;
    theirs := try(format('DELETE FROM t.t%s WHERE id = ANY (%L)', tab, ids));
    ours := try(format(CASE way WHEN 'view' THEN 'DELETE FROM s.t%s_live WHERE id = ANY (%L)'
        ELSE 'UPDATE s.t%s SET deleted_at = clock_timestamp() WHERE id = ANY (%L) AND deleted_at IS NULL' END, tab, ids));
    IF (ours.state IS NULL) <> (theirs.state IS NULL) THEN
        -- Where a row is referred to by two keys it depends on where rows are
        -- whether NO ACTION or CASCADE comes to it first; and the server checks
        -- the other keys of a row that it has set to null twice.
        IF ours.state IS NULL THEN
            PERFORM load_twin('live');
            ROLLBACK;
        END IF;
        result := CASE WHEN ours.state IS NULL THEN 'not refused' ELSE 'refused only here' END;
        RETURN;
    END IF;
    IF ours.ids IS DISTINCT FROM theirs.ids THEN
        PERFORM fail('another outcome of delete', format('t%s %s: %s, really %s', tab, ids, ours, theirs));
    END IF;
    IF ours.state IS NOT NULL THEN
        -- of several reasons, which comes first depends on where the rows are
        result := CASE WHEN ours = theirs THEN 'refused alike' ELSE 'refused otherwise' END;
        RETURN;
    END IF;
    IF live('s') <> live('t') THEN
        PERFORM fail('other rows are live after delete', format('t%s %s', tab, ids));
    END IF;
    IF ours.ids IS NULL THEN
        result := 'nothing';
        RETURN;
    END IF;
    IF NOT is_inverse(tab, ours.ids, before) THEN
        PERFORM fail('taking back is not the inverse', format('t%s %s', tab, ids));
    END IF;
    INSERT INTO deletions (tab, ids) VALUES (tab, ours.ids);
    result := 'deleted';
END$$;

CREATE FUNCTION are_live(sch text, tab int, ids int[]) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE n int;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I.t%s WHERE id = ANY (%L)', sch, tab, ids) INTO n;
    RETURN n = cardinality(ids);
END$$;

-- All is as if the deletion had never been.  If it is refused, then because that
-- cannot be: another one takes the rows, or would have been refused itself.
CREATE PROCEDURE step_restore(which int, INOUT result text) LANGUAGE plpgsql AS $$
DECLARE d deletions; ours outcome; possible bool;
BEGIN
    SELECT * INTO d FROM deletions WHERE n = which;
    CALL replay(which, possible);
    possible := possible AND are_live('t', d.tab, d.ids);
    ours := try(format('UPDATE s.t%s SET deleted_at = NULL WHERE id = ANY (%L)', d.tab, d.ids));
    IF ours.state IS NOT NULL AND possible THEN
        PERFORM fail('restore is refused', format('%s %s', d, ours));
    END IF;
    IF ours.state IS NULL AND NOT possible THEN
        -- A later deletion would have taken a row along or been refused for it,
        -- by two keys of that row; it has taken it now.  All keys hold, but the
        -- deletions cannot be replayed.
        PERFORM load_twin('live');
        ROLLBACK;
        result := 'restored otherwise';
        RETURN;
    END IF;
    IF ours.state IS NOT NULL THEN
        result := 'not restored';
        RETURN;
    END IF;
    DELETE FROM deletions WHERE n = which;
    IF live('s') <> live('t') THEN
        PERFORM fail('other rows are live after restore', d::text);
    END IF;
    result := 'restored';
END$$;

-- A real DELETE; the deletions forget the rows that are gone.
CREATE FUNCTION step_real(tab int, id int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE o outcome; r record; present int[];
BEGIN
    o := try(format('DELETE FROM s.t%s WHERE id = %s', tab, id));
    FOR r IN SELECT * FROM deletions LOOP
        EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM s.t%s WHERE id = ANY (%L)', r.tab, r.ids) INTO present;
        UPDATE deletions SET ids = present WHERE n = r.n;
    END LOOP;
    DELETE FROM deletions WHERE ids = '{}';
    RETURN coalesce('really ' || o.state, 'really deleted');
END$$;

CREATE FUNCTION random_ids(tab int, many int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE ids int[];
BEGIN
    EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM s.t%s ORDER BY random() LIMIT %s) AS x', tab, many) INTO ids;
    RETURN coalesce(ids, '{0}');
END$$;

CREATE PROCEDURE step(i int, INOUT result text = NULL) LANGUAGE plpgsql AS $$
DECLARE tab int := (SELECT n FROM tables ORDER BY random() LIMIT 1); dice float8 := random(); which int;
BEGIN
    IF dice < 0.35 THEN
        CALL step_delete(tab, random_ids(tab, 1), one_of('view', 'update'), result);
    ELSIF dice < 0.5 THEN
        CALL step_delete(tab, random_ids(tab, 1 + floor(random() * 4)::int), one_of('view', 'update'), result);
    ELSIF dice < 0.85 AND EXISTS (SELECT FROM deletions) THEN
        SELECT n INTO which FROM deletions ORDER BY random() LIMIT 1;
        CALL step_restore(which, result);
    ELSIF dice < 0.95 THEN
        PERFORM add_row(tab, 1000 + i);
        result := 'added';
    ELSE
        result := step_real(tab, (random_ids(tab, 1))[1]);
    END IF;
END$$;
