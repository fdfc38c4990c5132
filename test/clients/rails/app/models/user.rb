class User < ApplicationRecord
  self.table_name = 'users_live'    # the view of live rows
  self.primary_key = 'id'           # which a view does not tell
  has_many :orders

  # The table itself, which has the deleted rows, too
  class Record < ApplicationRecord
    self.table_name = 'users'

    def restore
      update!(deleted_at: nil)
    end
  end
end
