# Active Record with models on the views of live rows.
require 'active_record'
require 'erb'
require 'tempfile'
require 'checks'

ActiveRecord::Base.establish_connection(
  adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'], username: ENV['PGUSER'], database: ENV['PGDATABASE']
)
ActiveRecord::Migration.verbose = false
ActiveRecord::Tasks::DatabaseTasks.structure_load_flags = ['--output', File::NULL]
%w[config/initializers/schemakit app/models/application_record app/models/user app/models/order app/models/invoice].each do |file|
  require_relative file
end

def migrations
  ActiveRecord::Migrator.migrations_paths = ["#{__dir__}/db/migrate"]
  from = [ActiveRecord::Base.connection, ActiveRecord::Base.connection_pool].find { |object| object.respond_to?(:migration_context) }
  from.migration_context
end

def columns
  User.reset_column_information
  User.column_names
end

migrations.migrate(20260101000002)
migrations.migrate(0)
migrations.migrate(20260101000002)
equal(migrations.current_version, 20260101000002, 'migrations up, down and up')

Actor.act_as('ann@example.com') do
  3.times { |i| User.create!(email: "user#{i + 1}@example.com") }
  6.times { |i| Order.create!(user_id: 1 + (i + 1) % 3) }
end
make_old('users')
Actor.act_as("dan o'hara") { User.find(2).update!(name: 'Bob') }
User.where(id: 3).update_all(name: 'Cleo')
equal(changed('users'), [2, 3], 'updated_at has advanced, also by update_all')

Order.find(3).destroy!
user = User.find(1)
Actor.act_as('bob@example.com') { user.destroy! }
ok(user.destroyed?, 'destroy!')
equal(User.where(id: 1).delete_all, 0, 'a second one counts nothing')
equal(User.order(:id).ids, [2, 3], 'deleted rows are not seen')
equal(Order.order(:id).ids, [1, 2, 4, 5], 'nor is what cascades in the database')
equal(User.find(3).orders.order(:id).ids, [2, 5], 'associations go through the view')
equal(User::Record.count, 3, 'nothing is lost')
equal(changed('users'), [1, 2, 3], 'updated_at has advanced')
Actor.act_as('cleo@example.com') { User::Record.find(1).restore }
equal(User.order(:id).ids, [1, 2, 3], 'it is back')
equal(Order.order(:id).ids, [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before')
Invoice.create!(order_id: 1)
begin
  User.find(2).destroy!
  ok(false, 'a live invoice prevents it')
rescue ActiveRecord::StatementInvalid => error
  ok(%w[23503 23001].include?(error.cause.result.error_field(PG::Result::PG_DIAG_SQLSTATE)), 'a live invoice prevents it')
end

equal(audited('users'), [
  'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', "dan o'hara U 2", 'nobody U 3',
  'bob@example.com deleted 1', 'cleo@example.com restored 1'
], 'the audit log knows who did it')
equal(audited('orders')[6..], ['nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6'], 'also of what cascades')

# Who sets updated_at, and how it is left alone
make_old('users')
user = User.find(1)
user.name = 'a'
user.save!(touch: false)
User.find(2).update_columns(name: 'a')
equal(changed('users'), [1, 2], 'save(touch: false), update_columns: the trigger sets the time')
equal(user.updated_at.year, 2001, 'which the object does not know')
ok(user.reload.updated_at.year > 2001, 'until it is read again')
make_old('users')
Timestamps.leave_alone do
  user = User.find(1)
  user.name = 'b'
  user.save!(touch: false)
  User.find(2).update_columns(name: 'b')
  User.where(id: 3).update_all(name: 'b')
end
equal(changed('users'), [], 'nothing sets it with timestamps_touch = off')
equal(User.distinct.pluck(:name), ['b'], 'but the rows are changed')
User.find(2).touch
User.where(id: 3).update_all(name: 'c')
equal(changed('users'), [2, 3], 'touch, and it is on again')
user = User.find(1)
user.update!(name: 'd', updated_at: Time.utc(2003))
equal(as_superuser('SELECT updated_at FROM public.users WHERE id = 1'), [['2003-01-01 00:00:00']], 'a time that is given is kept')

before = columns
migrations.migrate
equal(columns, before + ['years'], 'the view follows migrations')
migrations.rollback
equal(columns, before, 'also when a column goes')

# Rails 7.1 and later write comments themselves.
if ActiveRecord.gem_version >= Gem::Version.new('7.1')
  ActiveRecord::QueryLogs.tags = [{ actor: -> { "o'hara@example.com" } }]
  ActiveRecord::QueryLogs.update_formatter(:sqlcommenter)
  ActiveRecord.query_transformers << ActiveRecord::QueryLogs
  User.find(3).update!(name: 'Dan')
  equal(audited('users').last, "o'hara@example.com U 3", 'query log tags')
  ActiveRecord.query_transformers.clear
end

# db/structure.sql, written and loaded by the application's role
config = ActiveRecord::Base.connection_db_config
file = Tempfile.new('structure').path
ActiveRecord::Tasks::DatabaseTasks.structure_dump(config, file)
other = "#{ENV['PGDATABASE']}_test"
system('createdb', '-U', 'postgres', '-O', 'shop', other)
system('psql', '-XqU', 'postgres', '-c', 'CREATE EXTENSION schemakit', other)
test = ActiveRecord::DatabaseConfigurations::HashConfig.new('test', 'primary', config.configuration_hash.merge(database: other))
ActiveRecord::Tasks::DatabaseTasks.structure_load(test, file)
ActiveRecord::Base.establish_connection(test)
status = "SELECT relid::text, feature FROM schemakit.status() WHERE relid IN ('users'::regclass, 'orders'::regclass) AND state = 'ok' ORDER BY 1, 2"
equal(ActiveRecord::Base.connection.select_rows(status), %w[orders users].product(%w[audit soft_delete timestamps]), 'structure.sql has all of it')
