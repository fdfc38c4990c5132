<?php
// Eloquent with its own soft deletes, whose triggers take along what references a row.

require __DIR__ . '/../checks.php';
require __DIR__ . '/app.php';
require __DIR__ . '/migrations/shop.php';

use Illuminate\Database\Capsule\Manager as DB;
use Illuminate\Database\QueryException;

function ids(string $model): array
{
    return $model::orderBy('id')->pluck('id')->all();
}

act_as('ann@example.com', function () {
    foreach ([1, 2, 3] as $i) {
        User::create(['email' => "user$i@example.com"]);
    }
    for ($i = 1; $i <= 6; $i++) {
        Order::create(['user_id' => 1 + $i % 3]);
    }
});
make_old('users');
act_as("dan o'hara", fn () => User::find(2)->update(['name' => 'Bob']));
DB::table('users')->where('id', 3)->update(['name' => 'Cleo']);
equal(changed('users'), [2, 3], 'updated_at has advanced, also by the query builder');
Order::find(3)->delete();
// Laravel writes seconds, and what was deleted in the same one is restored together.
time_sleep_until(time() + 1);
act_as('bob@example.com', fn () => User::find(1)->delete());
equal(ids('User'), [2, 3], 'deleted rows are not seen');
equal(ids('Order'), [1, 2, 4, 5], 'nor is what cascades in the database');
equal(User::withTrashed()->count(), 3, 'nothing is lost');
equal(Order::onlyTrashed()->orderBy('id')->pluck('id')->all(), [3, 6], 'the model sees what the triggers deleted');
act_as('cleo@example.com', fn () => User::withTrashed()->find(1)->restore());
equal(ids('User'), [1, 2, 3], 'it is back');
equal(ids('Order'), [1, 2, 4, 5, 6], 'and what had gone along, but for what was deleted before');
try {
    User::find(2)->forceDelete();
    ok(false, 'a real delete is refused');
} catch (QueryException $error) {
    ok(str_contains($error->getMessage(), 'can only be soft-deleted'), 'a real delete is refused');
}
equal(audited('users'), [
    'ann@example.com I 1', 'ann@example.com I 2', 'ann@example.com I 3', "dan o'hara U 2", 'nobody U 3',
    'bob@example.com deleted 1', 'cleo@example.com restored 1',
], 'the audit log knows who did it');
equal(array_slice(audited('orders'), 6), ['nobody deleted 3', 'bob@example.com deleted 6', 'cleo@example.com restored 6'], 'also of what cascades');

// who sets the time, and how it is left alone
make_old('users');
$user = User::find(1);
$user->timestamps = false;
$user->update(['name' => 'a']);
equal(changed('users'), [1], 'timestamps = false: the trigger sets the time');
equal(substr($user->updated_at, 0, 4), '2001', 'which the model does not know');
ok(User::find(1)->updated_at->year > 2001, 'until it is read again');
make_old('users');
without_touching(function () {
    $user = User::find(1);
    $user->timestamps = false;
    $user->update(['name' => 'b']);
    User::where('id', 2)->toBase()->update(['name' => 'b']);
    DB::table('users')->where('id', 3)->update(['name' => 'b']);
});
equal(changed('users'), [], 'nothing sets it with timestamps_touch = off');
equal(User::pluck('name')->unique()->all(), ['b'], 'but the rows are changed');
User::find(2)->touch();
equal(changed('users'), [2], 'touch()');
make_old('users');
User::where('id', 3)->update(['name' => 'c']);
equal(changed('users'), [3], 'update() of a query');
$user = User::find(1);
$user->updated_at = '2003-01-01 00:00:00';
$user->name = 'd';
$user->save();
equal(as_superuser("SELECT updated_at FROM public.users WHERE id = 1"), ['2003-01-01 00:00:00'], 'a time that is given is kept');
done();
