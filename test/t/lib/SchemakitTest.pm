# What the TAP tests share: what a database looks like to schemakit, and
# commands that must run without an error.
package SchemakitTest;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(triggers rules rows fingerprint runs_clean program start_pooler accepts sqlsmith children_of wait_for_end
  no_memory_figures internal_errors);

# Where a program is, which may not be in an ordinary user's path.
sub program
{
    my ($name) = @_;
    my ($found) = grep { -x } map { "$_/$name" } split(':', $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
    return $found;
}

# The processes of a postmaster.
sub children_of
{
    my ($pid) = @_;
    my @children = split ' ', `ps -o pid= --ppid $pid` // '' or die "no process has the parent $pid, as far as ps can tell";
    return @children;
}

# Do these processes end, or have they?
sub wait_for_end
{
    my (@pids) = @_;
    for (1 .. 1000)
    {
        @pids = grep { kill 0, $_ } @pids or return 1;
        sleep 0.02;
    }
    return 0;
}

# Why the memory of the server's processes tells nothing, if it does not.
sub no_memory_figures
{
    return 'there is no /proc here' unless -e "/proc/$$/status";
    my $server = program('postgres');
    return `ldd $server` =~ /libasan/ ? 'AddressSanitizer keeps memory that was freed' : '';
}

# What must not be in the log of a server, which is to be verbose.  Chance makes statements
# of which the server itself says that it did not expect them: internal errors are left
# out that do not come from our code if the function says so of their entry.
sub internal_errors
{
    my ($node, $left_out) = @_;
    my @entries = split /^(?=\d{4}-\d\d-\d\d )/m, slurp_file($node->logfile);
    my @found;
    for my $i (grep { $entries[$_] =~ /TRAP|PANIC|terminated by signal|(?:ERROR|FATAL|WARNING):  XX/ } 0 .. $#entries)
    {
        my ($entry, $next) = ($entries[$i], $i + 1);
        # where it comes from, and the statement
        $entry .= $entries[ $next++ ] while $next <= $#entries && $next < $i + 7 && $entry !~ /STATEMENT:/;
        push @found, $entry
          unless $left_out && $entry =~ /\A[^\n]*:  XX/ && $entry !~ /LOCATION:  \w+, s(?:k_|chemakit)/
          && $left_out->($entry);
    }
    return join "\n", @found;
}

# Starts pgbouncer in transaction mode for a database; returns the process, the port
# and the directory of the socket.
sub start_pooler
{
    my ($node, $db, $size) = @_;
    my $port = PostgreSQL::Test::Cluster::get_free_port();
    my $dir = $node->basedir;
    my $user = $node->safe_psql('postgres', 'SELECT current_user');
    append_to_file("$dir/users.txt", qq("$user" ""\n));
    append_to_file("$dir/pgbouncer.ini", <<"I");
[databases]
$db = host=@{[$node->host]} port=@{[$node->port]} dbname=$db
[pgbouncer]
pool_mode = transaction
default_pool_size = $size
max_client_conn = 300
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users.txt
I
    my ($out, $err) = ('', '');
    my $pooler = IPC::Run::start([ program('pgbouncer'), "$dir/pgbouncer.ini" ], '>', \$out, '2>', \$err);
    return ($pooler, $port, $dir);
}

# Does the server, or the pooler, take connections by and by?
sub accepts
{
    my ($host, $port, $db) = @_;
    for (1 .. 300)
    {
        return 1 if IPC::Run::run([ 'psql', '-X', '-h', $host, '-p', $port, '-c', 'SELECT 1', $db ], '<', \undef, '>', \my $out, '2>', \my $err);
        select(undef, undef, undef, 0.1);
    }
    return 0;
}

# Runs sqlsmith against a database, and returns what it prints.
sub sqlsmith
{
    my ($node, $user, @options) = @_;
    my ($out) = run_command([ program('sqlsmith'), '--target=host=' . $node->host . ' port=' . $node->port . " dbname=postgres user=$user",
        '--exclude-catalog', @options ]);
    return $out;
}

# All user triggers, with what schemakit records about them.
sub triggers
{
    my ($node, $db) = @_;
    return $node->safe_psql(
        $db, q{
SELECT t.tgrelid::regclass, t.tgname, t.tgfoid::regproc, encode(t.tgargs, 'escape'), t.tgenabled, t.tgtype,
       t.tgparentid <> 0 AS clone,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'x') AS dependent
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE (NOT t.tgisinternal OR t.tgparentid <> 0) AND c.relnamespace IS DISTINCT FROM to_regnamespace('schemakit')
ORDER BY t.tgrelid::regclass::text COLLATE "C", t.tgname COLLATE "C"});
}

sub rules
{
    my ($node, $db) = @_;
    return $node->safe_psql($db, 'SELECT * FROM schemakit.auto_rule ORDER BY id');
}

# A checksum of every row of every table of the users'.
sub rows
{
    my ($node, $db) = @_;
    return $node->safe_psql(
        $db, q{
SELECT c.oid::regclass, (xpath('/row/md5/text()', query_to_xml(format(
           'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM ONLY %s t', c.oid::regclass), false, true, '')))[1]
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema$|schemakit$)'
ORDER BY c.oid::regclass::text COLLATE "C"});
}

sub fingerprint
{
    my ($node, $db) = @_;
    return join("\n", triggers($node, $db), rules($node, $db), rows($node, $db));
}

# The command ends well, and prints no error and no warning.
sub runs_clean
{
    my ($command, $name) = @_;
    my ($stdout, $stderr);
    my $ok = IPC::Run::run($command, '>', \$stdout, '2>', \$stderr);
    ok($ok, $name) or diag($stderr);
    unlike($stderr, qr/error|warning/i, "$name: no complaint");
}

1;
