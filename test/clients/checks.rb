# What the checks in Ruby share: a line for each check.
require 'pg'

$count = 0
$failed = 0

def ok(condition, what)
  $count += 1
  $failed += 1 unless condition
  puts "#{condition ? 'ok' : 'not ok'} #{$count} - #{what}"
  $stdout.flush
end

def equal(got, expected, what)
  ok(got == expected, got == expected ? what : "#{what}: #{got.inspect}, not #{expected.inspect}")
end

# What the superuser, who is not the application's role, finds
def as_superuser(query, *values)
  connection = PG.connect(user: 'postgres', dbname: ENV['PGDATABASE'])
  values.empty? ? connection.exec(query).values : connection.exec_params(query, values).values
ensure
  connection&.close
end

# The log of rows of a table, oldest first: who did what to which row
def audited(table)
  as_superuser("SELECT concat_ws(' ', coalesce(actor, 'nobody'), coalesce(soft_delete, op), key->>'id')
    FROM schemakit.audit_log WHERE table_name = $1 AND op <> 'S' ORDER BY changed_at, txn_id, n", "public.#{table}").flatten
end

# All rows of the table seem to have been changed last in 2001.
def make_old(table)
  as_superuser("SET session_replication_role = replica; UPDATE public.#{table} SET updated_at = '2001-01-01'")
end

# The rows that have been changed since then
def changed(table)
  as_superuser("SELECT id FROM public.#{table} WHERE updated_at > '2002-01-01' ORDER BY id").flatten.map(&:to_i)
end

at_exit { exit 1 if $failed.positive? || $count.zero? }
