-- Tables with all features, and what tells later whether they are as they were.
CREATE EXTENSION schemakit;
SELECT schemakit.auto_enable('timestamps', 'shop', '%'), schemakit.auto_enable('audit', 'shop', '%');
CREATE SCHEMA shop;
CREATE TABLE shop.parents (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, name text, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE shop.children (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int NOT NULL REFERENCES shop.parents ON DELETE CASCADE,
    doc jsonb, tags int[], amount numeric(12,4), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE shop.parts (id int, at date, n int, updated_at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE shop.parts_2 PARTITION OF shop.parts DEFAULT;
SELECT schemakit.soft_delete_enable(t) FROM unnest('{shop.parents,shop.children}'::regclass[]) AS t;

-- rules of which tables of later versions remind, with what the log may not tell
SELECT schemakit.auto_enable('audit', 'shop', 'later%', '{"mask": {"email": "hash", "ssn": "null"}, "exclude": ["note"]}'),
    schemakit.auto_enable('soft_delete', 'shop', 'later%', '{"protect": true}'), schemakit.auto_enable('timestamps', 'shop', 'later%', '{"col": "at", "mode": "always"}');
SELECT schemakit.auto_disable(schemakit.auto_enable('audit', 'elsewhere', '%'));

-- advice that nobody follows
CREATE TABLE shop.looked_up (id int PRIMARY KEY, owner int);
CREATE INDEX once ON shop.looked_up (id, owner);
CREATE INDEX twice ON shop.looked_up (id, owner);
INSERT INTO shop.looked_up SELECT i, i FROM generate_series(1, 1000) AS i;

CREATE VIEW audited AS SELECT to_regclass(name) AS rel FROM unnest('{shop.parents,shop.children,shop.parts}'::text[]) AS name;
CREATE VIEW relevant AS SELECT * FROM schemakit.audit_event;
