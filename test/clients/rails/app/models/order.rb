class Order < ApplicationRecord
  self.table_name = 'orders_live'
  self.primary_key = 'id'
  belongs_to :user
end
