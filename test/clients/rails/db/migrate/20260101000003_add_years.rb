# The views of live rows follow changes of the tables' columns.
class AddYears < ActiveRecord::Migration[6.1]
  def up
    add_column :users, :age, :integer
    change_column :users, :age, :text
    rename_column :users, :age, :years
  end

  def down
    remove_column :users, :years
  end
end
