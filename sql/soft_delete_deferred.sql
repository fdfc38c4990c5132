--
-- Soft delete: foreign keys that are checked later
--
SET client_min_messages = warning;
CREATE SCHEMA soft_defer;
SET search_path = soft_defer, public;

-- NO ACTION is checked when the constraint is
CREATE TABLE authors (id int PRIMARY KEY);
CREATE TABLE books (id int PRIMARY KEY, author int, strict int,
    CONSTRAINT books_author FOREIGN KEY (author) REFERENCES authors DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT books_strict FOREIGN KEY (strict) REFERENCES authors ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED);
SELECT schemakit.soft_delete_enable('authors'), schemakit.soft_delete_enable('books');
INSERT INTO authors VALUES (1), (2), (3);
INSERT INTO books VALUES (1, 1, NULL), (2, 2, 3);
BEGIN;
DELETE FROM authors_live WHERE id = 1;
DELETE FROM books_live WHERE id = 1;
COMMIT;
SELECT id FROM authors_live ORDER BY 1;
-- in the other direction
BEGIN;
UPDATE books SET deleted_at = NULL WHERE id = 1;
INSERT INTO books VALUES (3, 1);
UPDATE authors SET deleted_at = NULL WHERE id = 1;
COMMIT;
SELECT id FROM books_live ORDER BY 1;
BEGIN;
DELETE FROM authors_live WHERE id = 2;
COMMIT;  -- fails
BEGIN;
UPDATE authors SET deleted_at = now() WHERE id = 2;
UPDATE authors SET deleted_at = NULL WHERE id = 2;
COMMIT;
BEGIN;
DELETE FROM authors_live WHERE id = 2;
UPDATE books SET author = 1 WHERE id = 2;
COMMIT;
BEGIN;
INSERT INTO books VALUES (4, 2);
COMMIT;  -- fails
BEGIN;
INSERT INTO books VALUES (4, 2);
UPDATE books SET author = 1 WHERE id = 4;
INSERT INTO books VALUES (5, 2);
DELETE FROM books WHERE id = 5;
COMMIT;
-- RESTRICT is never deferred
DO $$BEGIN
    DELETE FROM authors_live WHERE id = 3;
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
    RAISE WARNING 'refused at once';
END$$;
-- SET CONSTRAINTS
BEGIN;
SET CONSTRAINTS books_author IMMEDIATE;
DELETE FROM authors_live WHERE id = 1;  -- fails
ROLLBACK;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM authors_live WHERE id = 1;  -- fails
ROLLBACK;
BEGIN;
DELETE FROM authors_live WHERE id = 1;
SET CONSTRAINTS ALL IMMEDIATE;  -- fails
ROLLBACK;
BEGIN;
DELETE FROM authors_live WHERE id = 1;
SAVEPOINT s;
SET CONSTRAINTS books_author IMMEDIATE;  -- fails
ROLLBACK TO s;
DELETE FROM books_live WHERE author = 1;
SAVEPOINT s;
SET CONSTRAINTS books_author IMMEDIATE;
ROLLBACK TO s;
UPDATE books SET deleted_at = NULL WHERE id = 3;
COMMIT;  -- fails
ALTER TABLE books ALTER CONSTRAINT books_author DEFERRABLE INITIALLY IMMEDIATE;
DELETE FROM authors_live WHERE id = 1;  -- fails
BEGIN;
SET CONSTRAINTS books_author DEFERRED;
DELETE FROM authors_live WHERE id = 1;
SAVEPOINT s;
ROLLBACK TO s;
DELETE FROM books_live;
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SAVEPOINT s;
UPDATE books SET deleted_at = NULL WHERE id = 1;
ROLLBACK TO s;
COMMIT;
SELECT (SELECT count(*) FROM authors_live) AS authors, (SELECT count(*) FROM books_live) AS books;

-- the constraint is another one by then: it is not forgotten, nor are values read as of another type
CREATE TABLE shelves (id int PRIMARY KEY);
CREATE TABLE boxes (id int PRIMARY KEY, shelf int CONSTRAINT on_shelf REFERENCES shelves DEFERRABLE INITIALLY DEFERRED);
SELECT schemakit.soft_delete_enable('shelves'), schemakit.soft_delete_enable('boxes');
INSERT INTO shelves VALUES (1);
INSERT INTO boxes VALUES (1, 1);
BEGIN;
DELETE FROM shelves_live;
ALTER TABLE boxes DROP CONSTRAINT on_shelf, ADD CONSTRAINT again FOREIGN KEY (shelf) REFERENCES shelves;
COMMIT;  -- fails
BEGIN;
DELETE FROM shelves_live;
ALTER TABLE shelves ALTER id TYPE bigint;
COMMIT;  -- fails
BEGIN;
DELETE FROM shelves_live;
ALTER TABLE boxes DROP CONSTRAINT on_shelf;
COMMIT;
SELECT (SELECT count(*) FROM shelves_live) AS shelves, (SELECT count(*) FROM boxes_live) AS boxes;

SET client_min_messages = error;
RESET search_path;
DROP SCHEMA soft_defer CASCADE;
