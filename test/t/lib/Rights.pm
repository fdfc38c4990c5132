# Objects that tell who runs them: shadows of what is in pg_catalog and schemakit, and
# tables that are full of their owner's code.  Each call is an entry in the server's log,
# "ran WHAT as ROLE", whatever becomes of the transaction.
package Rights;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(shadows hostile ran);

# What was run since that place in the log: a hash of "WHAT as ROLE in STATEMENT" and how
# often, where the statement is a function of ours that it calls, or its first word.
sub ran
{
	my ($node, $from) = @_;
	my %ran;
	my $log = slurp_file($node->logfile, $from);
	while ($log =~ /LOG:  ran (.*) as (\S+)\n(?:(?!.*? LOG:  ).*\n)*?.*STATEMENT:  (.*)/g)
	{
		my ($what, $role, $statement) = ($1, $2, $3);
		$statement = $statement =~ /schemakit\.(\w+)\(/ ? "$1()" : $statement =~ /^(\w+)/ ? $1 : '?';
		$ran{"$what as $role in $statement"}++;
	}
	return \%ran;
}

# A script by which the current role makes shadows of everything in one of its schemas.
# Functions that take or return internal types cannot be shadowed.  A shadow of a relation
# or type has what it stands for, and tells of it; of a function or operator, null.
sub shadows
{
	my ($schema) = @_;
	my $script = <<'END';
SET search_path = pg_catalog;
SET client_min_messages = error;
CREATE OR REPLACE FUNCTION @.mark(what text) RETURNS boolean LANGUAGE plpgsql AS
$$BEGIN RAISE LOG 'ran %', what || ' as ' || current_user; RETURN true; END$$ SET search_path = pg_catalog;
DO $do$
DECLARE
	o record;
	command text;
BEGIN
	FOR o IN
		SELECT format('CREATE FUNCTION @.%I(%s) RETURNS %s%s LANGUAGE plpgsql AS %L SET search_path = pg_catalog',
			proname, pg_get_function_identity_arguments(oid), CASE WHEN proretset THEN 'SETOF ' END, prorettype::regtype,
			format('BEGIN RAISE LOG ''ran %%'', ''@ function %s as '' || current_user; RETURN%s; END', proname,
				CASE WHEN proretset OR prorettype = 'void'::regtype THEN '' ELSE ' NULL' END)) AS command
			FROM pg_proc WHERE pronamespace IN ('pg_catalog'::regnamespace, to_regnamespace('schemakit')) AND prokind <> 'p'
			AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype NOT IN ('internal'::regtype, 'cstring'::regtype)
			AND proargmodes IS NULL
		UNION ALL
		SELECT format('CREATE FUNCTION @.operator_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L SET search_path = pg_catalog',
			oid, concat_ws(', ', nullif(oprleft, 0)::regtype, oprright::regtype), oprresult::regtype,
			format('BEGIN RAISE LOG ''ran %%'', ''@ operator %s as '' || current_user; RETURN NULL; END', replace(oprname, '%', '%%')))
			FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace
		UNION ALL
		SELECT format('CREATE OPERATOR @.%s (%s, FUNCTION = @.operator_%s)', oprname,
			concat_ws(', ', 'LEFTARG = ' || nullif(oprleft, 0)::regtype, 'RIGHTARG = ' || oprright::regtype), oid)
			FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace
		UNION ALL
		SELECT format('CREATE DOMAIN @.%1$I AS pg_catalog.%1$I CHECK (@.mark(%2$L))', typname, '@ type ' || typname)
			FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typelem = 0
		UNION ALL
		SELECT format('CREATE VIEW @.%1$I AS SELECT * FROM %2$s.%1$I WHERE @.mark(%3$L)', relname, relnamespace::regnamespace, '@ relation ' || relname)
			FROM pg_class WHERE relnamespace IN ('pg_catalog'::regnamespace, to_regnamespace('schemakit')) AND relkind IN ('r', 'p', 'v')
		UNION ALL
		SELECT format('CREATE VIEW @.%s AS SELECT 1::int8 AS queryid WHERE @.mark(%L)', name, '@ relation ' || name)
			FROM unnest('{pg_stat_statements,pg_stat_statements_info,t,doomed,x,e,s}'::text[]) AS name
		UNION ALL
		SELECT format('CREATE COLLATION @.%I (provider = icu, locale = ''und-u-ks-level1'', deterministic = false)', collname)
			FROM pg_collation WHERE collname IN ('default', 'C', 'POSIX', 'ucs_basic')
	LOOP
		BEGIN
			EXECUTE o.command;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END$do$;
RESET search_path;
RESET client_min_messages;
END
	$script =~ s/@/$schema/g;
	return $script;
}

# A script by which the current role makes, in the schema "evil", tables whose defaults,
# checks, domains, indexes, triggers, rules, policies, views, statistics, casts and types are
# its code.
sub hostile
{
	return <<'END';
SET search_path = pg_catalog;
CREATE FUNCTION evil.bad(what text, result anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$BEGIN RAISE LOG 'ran %', what || ' as ' || current_user; PERFORM set_config('schemakit.audit_actor', 'the attacker', false); RETURN result; END$$ SET search_path = pg_catalog;
CREATE FUNCTION evil.bad_trigger() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE LOG 'ran %', 'trigger ' || tg_name || ' as ' || current_user; RETURN coalesce(new, old); END$$ SET search_path = pg_catalog;
CREATE DOMAIN evil.small AS int DEFAULT evil.bad('domain default', 1) CHECK (evil.bad('domain check', VALUE IS NULL OR VALUE >= 0));
CREATE TYPE evil.pair AS (a evil.small, b text);
CREATE DOMAIN evil.pairs AS evil.pair[] CHECK (evil.bad('domain over array', true));
CREATE FUNCTION evil.bad_diff(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN RAISE LOG 'ran %', 'subtype_diff as ' || current_user; RETURN $1 - $2; END$$ SET search_path = pg_catalog;
CREATE TYPE evil.span AS RANGE (subtype = evil.small);
CREATE TYPE evil.mood AS ENUM ('good', 'bad');
CREATE FUNCTION evil.bad_cast(evil.mood) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.bad('cast to text', 'good'::text); END$$;
CREATE FUNCTION evil.bad_cast_json(evil.mood) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.bad('cast to json', '1'::json); END$$;
CREATE FUNCTION evil.bad_cast_jsonb(evil.mood) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.bad('cast to jsonb', '1'::jsonb); END$$;
CREATE CAST (evil.mood AS text) WITH FUNCTION evil.bad_cast(evil.mood) AS IMPLICIT;
CREATE CAST (evil.mood AS json) WITH FUNCTION evil.bad_cast_json(evil.mood) AS IMPLICIT;
CREATE CAST (evil.mood AS jsonb) WITH FUNCTION evil.bad_cast_jsonb(evil.mood) AS IMPLICIT;
CREATE FUNCTION evil.bad_equals(evil.mood, evil.mood) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.bad('operator of enum', true); END$$;
CREATE OPERATOR evil.= (LEFTARG = evil.mood, RIGHTARG = evil.mood, FUNCTION = evil.bad_equals);
CREATE FUNCTION evil.bad_pair_equals(evil.pair, evil.pair) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.bad('operator of row', true); END$$;
CREATE OPERATOR evil.= (LEFTARG = evil.pair, RIGHTARG = evil.pair, FUNCTION = evil.bad_pair_equals);

CREATE TABLE evil.parent (
	id evil.small PRIMARY KEY, v text DEFAULT evil.bad('default', 'x'::text), p evil.pair, q evil.pairs, m evil.mood, r evil.span,
	g int[] DEFAULT '{{1,2},{3,4}}', w evil.small[] DEFAULT '[0:1]={1,2}', updated_at timestamptz,
	up text GENERATED ALWAYS AS (evil.bad('generated column', upper(v))) STORED,
	CHECK (evil.bad('check', v IS NOT NULL)));
CREATE INDEX bad_expression ON evil.parent (evil.bad('index expression', v));
CREATE INDEX bad_constant ON evil.parent (v) WHERE evil.bad('index predicate of a constant', true) AND evil.bad('index predicate', v) <> '';
CREATE UNIQUE INDEX bad_unique ON evil.parent ((v || evil.bad('unique index on a constant', 'y'::text)));
CREATE STATISTICS evil.bad_statistics ON evil.bad('statistics expression', v), (id + evil.bad('statistics on a constant', 1)) FROM evil.parent;
CREATE TABLE evil.child (id int PRIMARY KEY, parent evil.small DEFAULT evil.bad('foreign key default', 1) REFERENCES evil.parent ON DELETE CASCADE, v text);
CREATE INDEX ON evil.child (evil.bad('index expression of the child', v)) WHERE evil.bad('predicate of the child', v IS NOT NULL);
CREATE FUNCTION evil.bad_bound(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN evil.bad('partition key', $1); END$$;
CREATE TABLE evil.parted (id int, k text, v text, updated_at timestamptz) PARTITION BY LIST (evil.bad_bound(k));
CREATE TABLE evil.part_a PARTITION OF evil.parted FOR VALUES IN ('a');
CREATE TABLE evil.part_b (k text, id int, v text DEFAULT evil.bad('default of the partition', 'x'::text), updated_at timestamptz,
	CHECK (evil.bad('check of the partition', true)));
CREATE TABLE evil.plain (id int PRIMARY KEY, v text);
CREATE TABLE evil.keyless (id int, v text NOT NULL, w text NOT NULL);
CREATE UNIQUE INDEX bad_key ON evil.keyless (w) WHERE evil.bad('predicate of a unique index', true);
CREATE UNIQUE INDEX bad_key_expression ON evil.keyless ((v || evil.bad('expression of a unique index', 'y'::text)));
CREATE UNIQUE INDEX key ON evil.keyless (v);
CREATE TABLE evil.odd (k evil.pair PRIMARY KEY, v text);
CREATE INDEX ON evil.odd (evil.bad('index of odd', v));
ALTER TABLE evil.parent ENABLE ROW LEVEL SECURITY;
CREATE POLICY bad_policy ON evil.parent USING (evil.bad('policy', true)) WITH CHECK (evil.bad('policy check', true));
CREATE RULE bad_rule AS ON INSERT TO evil.child DO ALSO SELECT evil.bad('rule', 1);
CREATE VIEW evil.parent_view AS SELECT evil.bad('view', id) AS id, v FROM evil.parent;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON evil.parent FOR EACH ROW EXECUTE FUNCTION evil.bad_trigger();
CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON evil.parent FOR EACH ROW EXECUTE FUNCTION evil.bad_trigger();
CREATE TRIGGER zzz_statement AFTER INSERT OR UPDATE OR DELETE ON evil.parent FOR EACH STATEMENT EXECUTE FUNCTION evil.bad_trigger();
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON evil.child FOR EACH ROW EXECUTE FUNCTION evil.bad_trigger();
CREATE CONSTRAINT TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON evil.child DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION evil.bad_trigger();
-- names like ours
CREATE FUNCTION evil.audit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM evil.bad('audit() of another', 1); RETURN new; END$$;
CREATE FUNCTION evil.is_live(timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RETURN evil.bad('is_live() of another', true); END$$;
RESET search_path;
END
}

1;
