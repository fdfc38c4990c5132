class EnableSchemakit < ActiveRecord::Migration[6.1]
  def up
    enable_extension 'schemakit'
  end

  # The extension and its audit log stay: they belong to the superuser.
  def down
  end
end
