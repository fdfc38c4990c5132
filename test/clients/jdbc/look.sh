# JDBC's DatabaseMetaData, which is what Java's tools see.
set -e
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
jar=/usr/share/java/postgresql.jar

psql -Xq -v ON_ERROR_STOP=1 <<'SQL'
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE users (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text NOT NULL UNIQUE,
    mood       mood,
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE TABLE orders (
    id         serial PRIMARY KEY,
    user_id    int NOT NULL REFERENCES users ON DELETE CASCADE,
    updated_at timestamp(3),
    deleted_at timestamptz
);
CREATE INDEX ON orders (user_id);
CREATE VIEW names AS SELECT id, email FROM users;
CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
CREATE PROCEDURE nothing() LANGUAGE sql AS '';
SQL

ecj -17 -nowarn -proc:none -cp "$jar" -d "$classes" "${0%/*}"/*.java
java -XX:TieredStopAtLevel=1 -cp "$jar:$classes" Look "$OUT"
