# The disk with the write-ahead log is full: the server ends in the middle of work, and
# when there is room again the log of changes and what it tells of are of one mind.
#
# SCHEMAKIT_SMALL_DISK is a directory on a small file system for the WAL.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Faults;
use SchemakitTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $disk = $ENV{SCHEMAKIT_SMALL_DISK};
plan skip_all => 'not checked: SCHEMAKIT_SMALL_DISK is not there' unless $disk;

# a panic is what is expected here, so it is kept out of the log that tests look at
my $wal = "$disk/wal$$";
my $node = PostgreSQL::Test::Cluster->new('wal');
$node->init(extra => [ '--wal-segsize=1', '--waldir', $wal ]);
$node->append_conf('postgresql.conf', <<'C');
logging_collector = on
log_destination = csvlog
restart_after_crash = off
min_wal_size = 2MB
max_wal_size = 1GB
checkpoint_timeout = 1h
C
$node->start;
new_database($node, 'work');
remember($node, 'work', 0);
my $script = script($node, 'work');

# What the server has said, which nothing else looks at
sub said { return join '', map { slurp_file($_) } sort glob($node->data_dir . '/log/*') }

# What it should not have said: that it fails for something else than the disk
sub faults
{
	return join "\n", grep {
		/PANIC|TRAP:|AddressSanitizer|runtime error:|terminated by signal|,XX\d{3},/
		  && !/,PANIC,53100,"could not write to file/ && !/terminated by signal 6:/
	} split /\n/, shift;
}

for my $round (1, 2)
{
	my $before = $node->safe_psql('work', 'SELECT count(*) FROM done');
	my ($free) = `df --output=avail -k '$disk'` =~ /(\d+)/;
	append_to_file("$wal.others", "\0" x (1024 * ($free - 4096)));
	my $postmaster = $node->{_pid};
	my @server = ($postmaster, children_of($postmaster));
	my $load = pgbench($node, 'work', '-c', 8, '-j', 2, '-T', 180, '-f', $script);
	$load->finish;
	ok(wait_for_end(@server), "round $round: the server has ended");
	my $said = said();
	like($said, qr/,PANIC,53100,"could not write to file/, 'since there is no room for WAL');
	is(faults($said), '', 'and for nothing else');
	$node->{_pid} = undef;
	unlink "$wal.others";
	unlink glob($node->data_dir . '/log/*');
	$node->start;
	my $told = committed($node, 1);
	my $there = $node->safe_psql('work', 'SELECT count(*) FROM done') - $before;
	cmp_ok($told, '>', 0, 'there was work');
	cmp_ok($there, '>=', $told, "all $told transactions that clients were told of are there ($there)");
	remember($node, 'work', $round);
	holds($node, 'work', "round $round");
	$node->safe_psql('postgres', 'CHECKPOINT');
}
$node->stop;
is(faults(said()), '', 'nothing is broken in the end');
system_or_bail('rm', '-r', $wal);
done_testing();
