# db/schema.rb and db/structure.sql, as Rails writes and loads them, and what Active
# Record sees.  structure.sql is to be loaded by who does not own the extension, so it
# is written once more with the flags that the manual advises.
require 'active_record'
require 'erb'
require 'stringio'

OUT = ENV['OUT']
ActiveRecord::Base.establish_connection(
  adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'], username: ENV['PGUSER'], database: ENV['PGDATABASE']
)
ActiveRecord::Migration.verbose = false
ActiveRecord::Tasks::DatabaseTasks.structure_load_flags = ['--output', File::NULL]

class CreateShop < ActiveRecord::Migration[6.1]
  def change
    create_table :users do |t|
      t.text :email, null: false, index: { unique: true }
      t.timestamp :deleted_at
      t.timestamps
    end
    create_table :orders do |t|
      t.references :user, foreign_key: { on_delete: :cascade }
      t.timestamp :deleted_at
      t.timestamps
    end
    create_join_table :orders, :users
  end
end

def write(name, text)
  File.write("#{OUT}/#{name}", text)
end

def schema
  source = ActiveRecord::Base.connection
  source = ActiveRecord::Base.connection_pool if ActiveRecord.gem_version >= Gem::Version.new('7.2')
  StringIO.new.tap { |stream| ActiveRecord::SchemaDumper.dump(source, stream) }.string
end

def structure(name, *flags)
  file = "#{OUT}/#{name}"
  ActiveRecord::Tasks::DatabaseTasks.structure_dump_flags = flags
  ActiveRecord::Tasks::DatabaseTasks.structure_dump(ActiveRecord::Base.connection_db_config, file)
  File.write(file, File.readlines(file).reject { |line| line =~ /\A(--|\\(un)?restrict |\n)/ }.join)
end

db = ActiveRecord::Base.connection
CreateShop.migrate(:up)
write('schema.rb', schema)
structure('structure.sql')
write('seen', [db.tables.sort, db.views.sort, db.data_sources.sort, db.indexes('users').map(&:name).sort, db.foreign_keys('orders').map(&:name)].inspect)

# as db:schema:load and db:structure:load do, which begin with empty databases
advised = %w[--exclude-schema=schemakit --no-comments]
structure('advised.sql', *advised)
db.tables.each { |table| db.drop_table(table, force: :cascade) }
load "#{OUT}/schema.rb"
write('again.rb', schema)
db.tables.each { |table| db.drop_table(table, force: :cascade) }
db.execute('DROP SCHEMA IF EXISTS live')
ActiveRecord::Tasks::DatabaseTasks.structure_load(ActiveRecord::Base.connection_db_config, "#{OUT}/advised.sql")
structure('again.sql', *advised)
# what was loaded and written once more is the same, so it needs no list of differences
if File.read("#{OUT}/again.sql") == File.read("#{OUT}/advised.sql")
  write('again.sql', "the same as advised.sql\n")
end
