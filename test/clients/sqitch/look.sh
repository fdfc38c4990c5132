# sqitch: a plan is deployed, verified, reverted and deployed again.
set -e
project=$(mktemp -d)
trap 'rm -rf "$project"' EXIT
cp -r "${0%/*}"/{sqitch.conf,sqitch.plan,deploy,revert,verify} "$project"
cd "$project"
export SQITCH_TARGET="db:pg://$PGUSER@/$PGDATABASE?host=$PGHOST&port=$PGPORT" SQITCH_USER_CONFIG=/dev/null SQITCH_SYSTEM_CONFIG=/dev/null \
	SQITCH_FULLNAME=Ann SQITCH_EMAIL=ann@example.com HOME=$project

sqitch deploy --verify >"$OUT/deploy"
sqitch verify >"$OUT/verify"
sqitch revert -y >"$OUT/revert"
sqitch deploy --verify >"$OUT/again"
sqitch rebase -y --onto users >"$OUT/rebase"
sqitch plan --oneline >"$OUT/plan"
pg_dump -s -n public -n sqitch | grep -v -e '^\\\(un\)\?restrict ' -e '^--' -e '^$' >"$OUT/schema.sql"
for table in changes dependencies events projects tags; do
	psql -XAt -c "SELECT to_jsonb(t) - '{committed_at, planned_at, created_at}'::text[] FROM sqitch.$table t ORDER BY to_jsonb(t)::text" >"$OUT/$table"
done
