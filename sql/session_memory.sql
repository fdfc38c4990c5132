-- What a session keeps of a table does not grow with the table's history, nor with the
-- number of tables that refer to it.
CREATE TABLE long_history (id int PRIMARY KEY, n int, a text, b text, c numeric, d jsonb, e timestamptz, f boolean);
SELECT schemakit.audit_enable('long_history');
DO $$
BEGIN
    FOR i IN 1 .. 100 LOOP
        ALTER TABLE long_history DISABLE TRIGGER USER;
        ALTER TABLE long_history ENABLE TRIGGER USER;
    END LOOP;
END$$;
SELECT count(*) FROM schemakit.audit_shape WHERE table_name = 'long_history';
\c -
INSERT INTO long_history VALUES (1, 1);
SELECT max(total_bytes) <= 4096 AS small FROM pg_backend_memory_contexts WHERE name = 'schemakit audited table';
DROP TABLE long_history;

CREATE TABLE referenced (id int PRIMARY KEY);
DO $$
BEGIN
    FOR i IN 1 .. 50 LOOP
        EXECUTE format('CREATE TABLE referring%s (id int PRIMARY KEY, r int REFERENCES referenced ON DELETE CASCADE)', i);
        PERFORM schemakit.soft_delete_enable(format('referring%s', i)::regclass);
    END LOOP;
    PERFORM schemakit.soft_delete_enable('referenced');
END$$;
\c -
INSERT INTO referenced VALUES (1);
INSERT INTO referring1 VALUES (1, 1);
DELETE FROM referenced_live;
SELECT max(total_bytes) < 50 * 8192 AS small FROM pg_backend_memory_contexts WHERE name = 'schemakit soft delete';
SET client_min_messages = error;
DROP TABLE referenced CASCADE;
DO $$
BEGIN
    FOR i IN 1 .. 50 LOOP
        EXECUTE format('DROP TABLE referring%s CASCADE', i);
    END LOOP;
END$$;
