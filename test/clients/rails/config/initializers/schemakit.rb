# The audit log is not the application's, nor is the extension's comment.
ActiveRecord::Tasks::DatabaseTasks.structure_dump_flags =
  ['--exclude-schema=schemakit', '--no-comments']

# Does the block in a transaction in which the actor acts.  In a controller:
#
#   around_action { |_, action| Actor.act_as(current_user.email, &action) }
module Actor
  def self.act_as(actor)
    ApplicationRecord.transaction do
      ApplicationRecord.connection.execute(
        ApplicationRecord.sanitize_sql(
          ['SELECT schemakit.audit_set_actor(?)', actor]
        )
      )
      yield
    end
  end
end

# Does the block without changing updated_at, neither by Rails nor by the trigger.
# Rails itself is told with "touch: false".
module Timestamps
  def self.leave_alone
    ApplicationRecord.transaction do
      ApplicationRecord.connection.execute('SET LOCAL schemakit.timestamps_touch = off')
      yield
      ApplicationRecord.connection.execute('SET LOCAL schemakit.timestamps_touch = on')
    end
  end
end
