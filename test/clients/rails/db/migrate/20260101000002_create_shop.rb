class CreateShop < ActiveRecord::Migration[6.1]
  def up
    create_table :users do |t|
      t.text :email, null: false, index: { unique: true }
      t.text :name
      t.timestamps
    end
    create_table :orders do |t|
      t.references :user, foreign_key: { on_delete: :cascade }
      t.timestamps
    end
    create_table :invoices do |t|
      t.references :order, foreign_key: { on_delete: :restrict }
    end

    %w[users orders].each do |table|
      execute "SELECT schemakit.audit_enable('#{table}')"
      execute "SELECT schemakit.soft_delete_enable('#{table}')"
    end
  end

  def down
    drop_table :invoices
    drop_table :orders
    drop_table :users
  end
end
