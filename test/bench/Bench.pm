# What the benchmarks share: sessions whose CPU time is measured, paired and
# interleaved runs, and tables of medians.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use IPC::Open2;
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time);

our @EXPORT = qw(median spread bar show_machine);

# A psql that stays connected, so that one server process does all the work.
sub connect
{
	my ($class, $db) = @_;
	my $self = bless {}, $class;
	$self->{pid} = open2($self->{out}, $self->{in}, 'psql', '-X', '-q', '-A',
		'-t', '-v', 'ON_ERROR_STOP=1', '-d', $db);
	$self->{backend} = $self->sql('SELECT pg_backend_pid()');
	return $self;
}

# Run SQL, and return what it prints.
sub sql
{
	my ($self, $sql) = @_;
	my $in = $self->{in};
	my $out = $self->{out};
	my @lines;
	print $in "$sql;\n\\echo <<done>>\n";
	$in->flush;
	while (my $line = <$out>)
	{
		chomp $line;
		return join("\n", @lines) if $line eq '<<done>>';
		push @lines, $line;
	}
	die "the session ended in: $sql\n";
}

# Nanoseconds that the server process has been on a CPU.
sub cpu
{
	my ($self) = @_;
	open(my $f, '<', "/proc/$self->{backend}/schedstat")
	  or die "no schedstat for process $self->{backend}: $!\n";
	my ($ns) = split ' ', <$f>;
	return $ns;
}

# Run SQL, and return its CPU and wall time in milliseconds.
sub measure
{
	my ($self, $sql) = @_;
	my ($cpu, $wall) = ($self->cpu, time);
	$self->sql($sql);
	return (($self->cpu - $cpu) / 1e6, (time - $wall) * 1e3);
}

# Run SQL, and return the most memory of its own that the server process had meanwhile,
# in megabytes.
sub peak
{
	my ($self, $sql) = @_;
	pipe(my $from, my $to) or die "pipe: $!\n";
	my $child = fork // die "fork: $!\n";
	if ($child == 0)
	{
		my ($peak, $ended) = (0, 0);
		$SIG{TERM} = sub { $ended = 1 };
		while (!$ended)
		{
			open(my $f, '<', "/proc/$self->{backend}/status") or last;
			while (<$f>) { $peak = $1 if /^RssAnon:\s*(\d+)/ && $1 > $peak }
			select(undef, undef, undef, 0.01);
		}
		syswrite $to, $peak;
		POSIX::_exit(0);
	}
	$self->sql($sql);
	kill 'TERM', $child;
	close $to;
	my $peak = <$from>;
	waitpid $child, 0;
	return $peak / 1024;
}

# Clock ticks, in microseconds, of all server processes that have ended.
sub cpu_of_ended
{
	my ($self) = @_;
	my $stat = sub {
		open(my $f, '<', "/proc/$_[0]/stat") or die "no stat for process $_[0]: $!\n";
		return split ' ', <$f> =~ s/^.*\) //r;
	};
	select(undef, undef, undef, 0.05)
	  while $self->sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'});
	select(undef, undef, undef, 0.2);    # the postmaster still has to hear of them
	my ($postmaster) = ($stat->($self->{backend}))[1];
	my ($user, $system) = ($stat->($postmaster))[13, 14];
	return ($user + $system) * 1e6 / sysconf(_SC_CLK_TCK);
}

# Run a pgbench script, and return for each transaction the server's CPU time
# and the wall time, in microseconds.
sub pgbench
{
	my ($self, $script, $clients, $transactions) = @_;
	my $before = $self->cpu_of_ended;
	my $out = `pgbench -n -M prepared -c $clients -j 2 -t $transactions -f $script 2>&1`;
	my ($tps) = $out =~ /tps = ([\d.]+)/ or die $out;
	return (($self->cpu_of_ended - $before) / ($clients * $transactions), 1e6 / $tps);
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $n = @sorted;
	return $n % 2 ? $sorted[ $n / 2 ] : ($sorted[ $n / 2 - 1 ] + $sorted[ $n / 2 ]) / 2;
}

# The ends of the middle half of the values.
sub middle
{
	my @sorted = sort { $a <=> $b } @_;
	return @sorted[ @sorted / 4, @sorted * 3 / 4 ];
}

# The same as "low-high" in the given format.
sub spread
{
	my ($format, @values) = @_;
	return sprintf("$format-$format", middle(@values));
}

# One of the design's bars: the median of the values is to be the goal at most, or
# at least if the goal is written ">= x"; it is within the noise if the middle half has
# values on both sides.  Returns what came of it; scripts/bench prints all bars in
# the end.
sub bar
{
	my ($what, $goal, $format, @values) = @_;
	die "$what: nothing was measured\n" if grep({ !defined } @values) || !@values;
	my $value = median(@values);
	my ($limit) = $goal =~ /([\d.]+)/;
	my $met = $goal =~ />/ ? $value >= $limit : $value <= $limit;
	my $result = $met ? 'met' : sprintf('missed by %.0f %%', abs($value / $limit - 1) * 100);
	$result .= ', within the noise' if grep({ $_ <= $limit } middle(@values)) == 1;
	if ($ENV{BENCH_BARS})
	{
		open(my $f, '>>', $ENV{BENCH_BARS}) or die "$ENV{BENCH_BARS}: $!\n";
		printf $f "| %s | $format | %s | %s | %s |\n", $what, $value, @values > 1 ? spread($format, @values) : '', $goal, $result;
	}
	return "$goal: $result";
}

sub show_machine
{
	my ($session) = @_;
	my $cpu = 'unknown CPU';
	open(my $f, '<', '/proc/cpuinfo') or die;
	while (<$f>) { $cpu = $1 if /^model name\s*:\s*(.*)/ }
	my $cores = `nproc`;
	chomp $cores;
	print "$cpu, $cores cores; ", $session->sql('SELECT version()'), "\n\n";
}

1;
