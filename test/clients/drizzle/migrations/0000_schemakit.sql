-- The extension stays the superuser's, who has made it.
CREATE EXTENSION IF NOT EXISTS schemakit;
