-- After all of this, the extension still goes as it came.
SELECT * FROM schemakit.status();
DROP EXTENSION schemakit;
SELECT count(*) FROM pg_event_trigger;
