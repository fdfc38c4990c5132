# Who acts, from the settings of platforms, as these send them: PostgREST and Hasura with
# the extended protocol; and what such a setting can contain that is no text of the database.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "app.broken = 'a\xffb'\nschemakit.audit_actor_settings = 'request.jwt.claims ->> sub, hasura.user ->> x-hasura-user-id, app.broken'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION schemakit;
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE web_user; GRANT web_user TO authenticator;
	CREATE SCHEMA api; GRANT USAGE ON SCHEMA api TO web_user;
	CREATE TABLE api.t (id int PRIMARY KEY, v int);
	GRANT ALL ON api.t TO web_user;
	INSERT INTO api.t SELECT i, 0 FROM generate_series(1, 9) AS i;
	SELECT schemakit.audit_enable('api.t')});

# A script of pgbench is sent with the extended protocol; :sub is a number, so the claims
# are put together in the parameter, as PostgREST does.
sub requests
{
	my ($mode, $script, $options) = @_;
	my $file = $node->basedir . '/script.sql';
	append_to_file($file, '');
	unlink $file;
	append_to_file($file, $script);
	$node->command_ok([ 'pgbench', '-n', '-M', $mode, '-t', 20, '-c', 3, '-U', 'authenticator', @{ $options || [] }, '-f', $file,
			'-h', $node->host, '-p', $node->port, 'postgres' ], "requests, $mode");
	return;
}

sub log_of
{
	my $rows = $node->safe_psql('postgres', q{SELECT count(*), count(*) FILTER (WHERE actor = 'user ' || (new ->> 'v')), string_agg(DISTINCT role, ','), string_agg(DISTINCT session_role, ',')
		FROM schemakit.audit_log WHERE op = 'U' AND new ->> 'v' <> '0' AND session_role = 'authenticator'});
	$node->safe_psql('postgres', q{SET schemakit.audit_writable = on; SET session_replication_role = replica; DELETE FROM schemakit.audit_event; UPDATE api.t SET v = 0});
	return $rows;
}

my $postgrest = q{\set sub random(1, 1000000)
\set id random(1, 9)
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
select set_config('search_path', 'api, public', true), set_config('role', 'web_user', true), set_config('request.jwt.claims', '{"exp":1893456000,"role":"web_user","sub":"user ' || :sub || '"}', true), set_config('request.method', 'PATCH', true), set_config('request.path', '/t', true), set_config('request.headers', '{"accept":"*/*"}', true), set_config('request.cookies', '{}', true);
WITH pgrst_source AS (UPDATE "api"."t" SET "v" = :sub WHERE "api"."t"."id" = :id RETURNING 1) SELECT '' AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, '' AS body FROM (SELECT * FROM pgrst_source) _postgrest_t;
COMMIT;
};
for my $mode (qw(simple extended prepared))
{
	requests($mode, $postgrest);
	is(log_of(), '60|60|web_user|authenticator', "PostgREST, $mode: each request has its user");
}

# Hasura writes the statement as a text, and has no role of its own for the user
requests('extended', q{\set sub random(1, 1000000)
\set id random(1, 9)
BEGIN;
SELECT set_config('role', 'web_user', true);
SELECT set_config('hasura.user', '{"x-hasura-role":"user","x-hasura-user-id":"user ' || :sub || '"}', true);
UPDATE api.t SET v = :sub WHERE id = :id;
COMMIT;
});
is(log_of(), '60|60|web_user|authenticator', 'Hasura, extended: likewise');

# an anonymous request in a session in which others were not: PostgREST leaves the setting empty
is( $node->safe_psql('postgres', q{
	BEGIN; SELECT set_config('role', 'web_user', true), set_config('request.jwt.claims', '{"sub":"ann"}', true); UPDATE api.t SET v = 1 WHERE id = 1; COMMIT;
	BEGIN; SELECT set_config('role', 'web_user', true), set_config('request.jwt.claims', '', true); UPDATE api.t SET v = 2 WHERE id = 1; COMMIT;
	UPDATE api.t SET v = 3 WHERE id = 1;
	SELECT string_agg(COALESCE(actor, '-'), ' ' ORDER BY changed_at) FROM schemakit.audit_log}, extra_params => ['-q']) =~ s/.*\n//sr,
	'ann - -', 'nobody acts for another; what is not valid in the encoding is left out');

# a database that lacks characters
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'});
is( $node->safe_psql('latin', q{
	CREATE EXTENSION schemakit; CREATE TABLE t (id int PRIMARY KEY); SELECT schemakit.audit_enable('t');
	SET schemakit.audit_actor_settings = 'request.jwt.claims ->> sub';
	BEGIN; SET LOCAL request.jwt.claims = '{"sub":"\u00e4"}'; INSERT INTO t VALUES (1); COMMIT;
	BEGIN; SET LOCAL request.jwt.claims = '{"sub":"\u20ac"}'; INSERT INTO t VALUES (2); COMMIT;
	SELECT string_agg(COALESCE(encode(convert_to(actor, 'UTF8'), 'hex'), '-'), ' ' ORDER BY changed_at) FROM schemakit.audit_log}, extra_params => ['-q']) =~ s/.*\n//sr,
	'c3a4 -', 'Unicode in another encoding');

# the actor that the configuration sets
$node->append_conf('postgresql.conf', "schemakit.audit_actor = 'a\xffb'\nschemakit.audit_context = '{\"a\": \"\xff\"}'");
$node->reload;
is( $node->safe_psql('postgres', q{INSERT INTO api.t VALUES (100); SELECT count(*) FROM schemakit.audit_log WHERE key = '{"id": 100}' AND actor IS NULL AND context IS NULL}),
	'1', 'is not stored if it is not valid');
$node->stop;
done_testing();
