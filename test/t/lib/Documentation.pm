# The pages of the documentation are true: their SQL runs, their output is what
# comes out, their links lead somewhere, and what they quote from a file stands there.
# scripts/doc and test 200 use this.  It needs psql in the path, and PGHOST, PGPORT and
# PGUSER for a server with test/documentation.conf, all databases of which it may drop.
#
# A page is run from top to bottom in one psql session, in a fresh database with
# schemakit and pg_stat_statements.
#
#   ```sql                    a block that is run.  A ```text block after it, with nothing
#                             but blank lines between, is its output: results, NOTICE,
#                             ERROR, DETAIL, HINT.  Without one no statement may fail.
#   <!-- run: SQL; -->        is run and not shown, and must not fail
#   <!-- not run: reason -->  before a sql block that is shown only
#   <!-- vary: REGEX -->      before a sql or text block: what matches in the output may
#                             be something else each time.  Times, and the numbers of
#                             blanks and dashes, always may.
#   <!-- file: PATH -->       before a block that stands in a file of the tree, perhaps
#                             with all lines indented
package Documentation;
use strict;
use warnings;
use Cwd qw(abs_path);
use Encode qw(decode);
use File::Basename qw(dirname);
use File::Temp ();

my $mark = '@ block';
my $database = 'shop';
my %directive = (run => 1, 'not run' => 1, vary => 1, file => 1);
my $time = qr/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?/;
my $psql_error = qr/^psql:<stdin>:(\d+): (?:ERROR|FATAL|PANIC|error|fatal): /;

sub slurp
{
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar readline($in) // '';
}

# The top of the source tree that a page is in, or the page's directory.
sub tree_of
{
    my ($file) = @_;
    my $page_dir = dirname(abs_path($file) // die "$file: there is no such file\n");
    for (my $dir = $page_dir; $dir ne '/'; $dir = dirname($dir))
    {
        return $dir if -e "$dir/schemakit.control";
    }
    return $page_dir;
}

sub problem
{
    my ($page, $line, $text) = @_;
    push @{ $page->{problems} }, { line => $line, text => $text };
}

#
# A page is read.
#

# read_page(FILE): a page as { file, tree, lines, blocks, problems }, each block as
# { kind, line, ... }, kind being sql, run, text or other.
sub read_page
{
    my ($file) = @_;
    my @lines = split /\n/, slurp($file), -1;
    pop @lines if @lines && $lines[-1] eq '';
    my $page = { file => $file, tree => tree_of($file), lines => \@lines, blocks => [], problems => [], prose => [] };
    my $state = { waiting => [], sql => undef, in_list => 0, blank => 1 };

    for (my $i = 0; $i < @lines; $i++)
    {
        if ($lines[$i] =~ /^\s*(?:[*+-]\s+|\d+[.)]\s+)?(`{3,}|~{3,})/)
        {
            $i = read_fence($page, $state, $i);
        }
        elsif ($lines[$i] =~ /^\s*<!--/)
        {
            $i = read_comment($page, $state, $i);
        }
        else
        {
            read_prose($page, $state, $i);
        }
        $state->{blank} = $lines[$i] =~ /^\s*$/;
    }
    end_of_prelude($page, $state);
    end_of_output($page, $state);
    check_links($page);
    check_quotation($page, $_) for grep { $_->{quoted} } @{ $page->{blocks} };
    return $page;
}

sub read_prose
{
    my ($page, $state, $i) = @_;
    my $line = $page->{lines}[$i];
    $page->{prose}[$i] = $line;
    return if $line =~ /^\s*$/;
    end_of_prelude($page, $state);
    end_of_output($page, $state);
    if ($line =~ /^\s*(?:[*+-]|\d+[.)])\s/)
    {
        $state->{in_list} = 1;
    }
    elsif ($line !~ /^\s/ && $state->{blank})
    {
        $state->{in_list} = 0;
    }
    problem($page, $i + 1, 'an indented block of code is not checked: use a fence') if $line =~ /^(?: {4}|\t)/ && $state->{blank} && !$state->{in_list};
    (my $text = $line) =~ s/`[^`]*`//g;
    problem($page, $i + 1, 'a comment begins within a line') if $text =~ /<!--/;
}

# What stands before a block must have one after it.
sub end_of_prelude
{
    my ($page, $state) = @_;
    problem($page, $_->{line}, "no block follows: $_->{name}") for @{ $state->{waiting} };
    $state->{waiting} = [];
}

# The output of the last sql block cannot come any more.
sub end_of_output
{
    my ($page, $state) = @_;
    my $sql = $state->{sql} or return;
    problem($page, $_->{line}, 'no output follows: vary') for grep { !$sql->{output} } @{ $sql->{vary} };
    $state->{sql} = undef;
}

sub take
{
    my ($state, $name) = @_;
    my @taken = grep { $_->{name} eq $name } @{ $state->{waiting} };
    @{ $state->{waiting} } = grep { $_->{name} ne $name } @{ $state->{waiting} };
    return @taken;
}

sub read_fence
{
    my ($page, $state, $first) = @_;
    my $lines = $page->{lines};
    my ($indent, $fence, $info) = $lines->[$first] =~ /^(\s*(?:[*+-]\s+|\d+[.)]\s+)?)(`{3,}|~{3,})\s*(.*?)\s*$/;
    my ($language) = $info =~ /^(\S*)/;
    my $char = substr($fence, 0, 1);
    my $width = length $indent;
    my $block = { kind => 'other', line => $first + 1, indent => ' ' x $width, text => [] };
    my $i = $first + 1;

    for (; $i < @$lines && $lines->[$i] !~ /^\s*\Q$fence\E\Q$char\E*\s*$/; $i++)
    {
        (my $line = $lines->[$i]) =~ s/^ {0,$width}//;
        push @{ $block->{text} }, $line;
    }
    $block->{end} = $i + 1;
    problem($page, $first + 1, 'the fence is not closed') if $i == @$lines;
    problem($page, $first + 1, 'the fence does not name a language') if $language eq '';
    problem($page, $first + 1, "a block of SQL is called sql, not $language") if $language ne 'sql' && $language =~ /^(?:sql|psql|pgsql|plpgsql|postgres.*)$/i;
    ($block->{quoted}) = map { $_->{value} } take($state, 'file');

    if ($language eq 'text')
    {
        read_output($page, $state, $block);
    }
    else
    {
        end_of_output($page, $state);
        if ($language eq 'sql')
        {
            $block->{kind} = 'sql';
            ($block->{not_run}) = map { $_->{value} } take($state, 'not run');
            $block->{vary} = [ take($state, 'vary') ];
            $state->{sql} = $block;
            check_end($page, $block) unless $block->{not_run};
        }
        end_of_prelude($page, $state);
    }
    push @{ $page->{blocks} }, $block;
    return $i;
}

sub read_output
{
    my ($page, $state, $block) = @_;
    my $sql = $state->{sql};
    $block->{kind} = 'text';
    if ($sql)
    {
        push @{ $sql->{vary} }, take($state, 'vary');
        $sql->{output} = $block;
    }
    else
    {
        problem($page, $block->{line}, 'a text block is the output of a sql block, and none is before it');
    }
    end_of_prelude($page, $state);
    end_of_output($page, $state);
}

# Were a statement not ended, the next block would be a part of it.
sub check_end
{
    my ($page, $block) = @_;
    my ($last) = grep { !/^\s*(?:--.*)?$/ } reverse @{ $block->{text} };
    return problem($page, $block->{line}, 'there is no SQL in it') unless defined $last;
    problem($page, $block->{line}, 'the last statement has no end') unless $last =~ /;\s*(?:--.*)?$|^\s*\\|\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch)\b[^;]*$/;
}

sub read_comment
{
    my ($page, $state, $first) = @_;
    my $lines = $page->{lines};
    my $i = $first;
    $i++ while $lines->[$i] !~ /-->/ && $i < $#$lines;
    my ($name, $value, $rest) = join("\n", @$lines[ $first .. $i ]) =~ /^\s*<!--[ \t]*([\w -]*?)[ \t]*:(.*?)-->(.*)/s;

    if ($lines->[$i] !~ /-->/)
    {
        problem($page, $first + 1, 'the comment is not closed');
    }
    elsif (join(' ', @$lines[ $first .. $i ]) =~ /^\s*<!--\s*(?!run|not|vary|file)[\w ]+-->\s*$/i)
    {
        # a mark of some other tool
        end_of_prelude($page, $state);
        end_of_output($page, $state);
    }
    elsif (!defined $name || !$directive{$name} || $value !~ /\S/)
    {
        problem($page, $first + 1, 'a comment is one of "run: ", "not run: ", "vary: " and "file: "');
    }
    elsif ($rest =~ /\S/)
    {
        problem($page, $i + 1, 'something stands behind the comment');
    }
    elsif ($name eq 'run')
    {
        end_of_prelude($page, $state);
        end_of_output($page, $state);
        my $block = { kind => 'run', line => $first + 1, end => $i + 1, text => [ split /\n/, $value, -1 ] };
        check_end($page, $block);
        push @{ $page->{blocks} }, $block;
    }
    else
    {
        $value =~ s/^\s+|\s+$//g;
        if ($name eq 'vary' && !eval { $value = qr/$value/; 1 })
        {
            problem($page, $first + 1, 'this is no regular expression: ' . $@ =~ s/ at \S+ line.*//sr);
            $value = qr/(?!)/;
        }
        # that of an output may stand between it and its SQL
        end_of_output($page, $state) if $name ne 'vary';
        push @{ $state->{waiting} }, { name => $name, value => $value, line => $first + 1 };
    }
    return $i;
}

#
# What a page refers to.
#

# A block that is quoted from a file stands there, perhaps with all lines indented.
sub check_quotation
{
    my ($page, $block) = @_;
    my $file = "$page->{tree}/$block->{quoted}";
    return problem($page, $block->{line}, "there is no file $block->{quoted}") unless -f $file;
    my @there = map { s/\s+$//r } split /\n/, slurp($file);
    my @here = map { s/\s+$//r } @{ $block->{text} };
    return problem($page, $block->{line}, 'nothing is quoted') unless grep { length } @here;
    for my $from (0 .. @there - @here)
    {
        my ($indent) = $there[$from] =~ /^(\s*)/;
        # the lines before the first one that is not indented may be empty
        for my $prefix (map { substr($indent, 0, $_) } 0 .. length $indent)
        {
            return unless grep { $there[ $from + $_ ] ne (length $here[$_] ? $prefix . $here[$_] : '') } 0 .. $#here;
        }
    }
    problem($page, $block->{line}, "this does not stand in $block->{quoted}");
}

# The anchors that GitHub gives to the headings of a page.
my %anchors;

sub anchors
{
    my ($file) = @_;
    return $anchors{$file} if $anchors{$file};
    my (%found, %seen, $fence);
    for my $line (split /\n/, decode('UTF-8', slurp($file)))
    {
        if ($line =~ /^\s*(`{3,}|~{3,})/)
        {
            $fence = !defined $fence ? $1 : $line =~ /^\s*\Q$fence\E/ ? undef : $fence;
        }
        next if defined $fence;
        $found{$1} = 1 while $line =~ /<a\s+(?:name|id)="([^"]+)"/g;
        next unless $line =~ /^#{1,6}\s+(.*?)\s*#*\s*$/;
        my $anchor = lc $1;
        $anchor =~ s/!?\[([^\]]*)\]\([^)]*\)/$1/g;
        $anchor =~ s/[^\w\- ]//g;
        $anchor =~ tr/ /-/;
        my $n = $seen{$anchor}++;
        $found{ $n ? "$anchor-$n" : $anchor } = 1;
    }
    return $anchors{$file} = \%found;
}

sub check_links
{
    my ($page) = @_;
    my $text = join "\n", map { $_ // '' } @{ $page->{prose} };
    # what is code is no link
    $text =~ s/(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)/(my $c = "$1$2$1") =~ s{[^\n]}{ }g; $c/gse;
    my $line = sub { 1 + (substr($text, 0, $_[0]) =~ tr/\n//) };
    my %defined;
    while ($text =~ /^ {0,3}\[([^\]\n]+)\]:\s*<?([^\s>]+)/mg)
    {
        $defined{ lc $1 } = 1;
        check_link($page, $line->($-[0]), $2);
    }
    while ($text =~ /\]\(\s*<?([^\s<>]*?)>?(?:\s+"[^"]*")?\s*\)/g)
    {
        check_link($page, $line->($-[0]), $1);
    }
    while ($text =~ /\[([^\[\]]+)\]\[([^\[\]]*)\]/g)
    {
        my $name = lc(length $2 ? $2 : $1) =~ s/\s+/ /gr;
        problem($page, $line->($-[0]), "the link [$name] is not defined") unless $defined{$name};
    }
}

sub check_link
{
    my ($page, $line, $target) = @_;
    return if $target =~ m{^(?:[a-z][a-z0-9+.-]*:|//)}i;
    my ($path, $anchor) = map { s/%([0-9A-Fa-f]{2})/chr hex $1/ger } $target =~ /^([^#]*)(?:#(.*))?$/ ? ($1, $2 // '') : ();
    my $file = $path eq '' ? $page->{file} : $path =~ m{^/} ? "$page->{tree}$path" : dirname($page->{file}) . "/$path";
    return problem($page, $line, "the link leads nowhere: $target") unless -e $file;
    return problem($page, $line, "the link leads out of the tree: $target") unless index(abs_path($file) . '/', "$page->{tree}/") == 0;
    return if $anchor eq '' || $file !~ /\.md$/;
    problem($page, $line, "the page has no such heading: $target") unless anchors($file)->{ decode('UTF-8', $anchor) };
}

#
# A page is run.
#

# run_psql(DATABASE, SCRIPT): what psql prints, messages included, in order.  It flushes
# its output before each message.
sub run_psql
{
    my ($name, $script, @options) = @_;
    my ($in, $out) = (File::Temp->new, File::Temp->new);
    print $in $script;
    close $in or die "$!\n";
    my $pid = fork // die "$!\n";
    if (!$pid)
    {
        local %ENV = %ENV;
        @ENV{qw(LC_ALL PGCLIENTENCODING PGTZ PGDATESTYLE PGAPPNAME)} = ('C', 'UTF8', 'UTC', 'ISO, MDY', 'psql');
        delete @ENV{qw(PGOPTIONS PG_COLOR PGDATABASE PSQLRC)};
        open STDIN, '<', $in->filename or die "$!\n";
        open STDOUT, '>', $out->filename or die "$!\n";
        open STDERR, '>&', \*STDOUT or die "$!\n";
        exec 'psql', '-X', '-q', '-P', 'pager=off', @options, '-d', $name, '-f', '-' or die "psql: $!\n";
    }
    waitpid $pid, 0;
    return ($? >> 8 || $? & 127, slurp($out->filename));
}

# Nothing is left of the page before: databases, roles, settings, statistics.
sub fresh_database
{
    my ($failed, $out) = run_psql('postgres', <<"S", '-v', 'ON_ERROR_STOP=1');
SET client_min_messages = warning;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots \\g /dev/null
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE oid >= 16384 \\gexec
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE oid >= 16384 \\gexec
ALTER ROLE CURRENT_USER RESET ALL;
ALTER SYSTEM RESET ALL;
SELECT pg_reload_conf() \\g /dev/null
CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\\c $database
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION schemakit;
SELECT pg_stat_statements_reset() \\g /dev/null
S
    die "The database could not be made:\n$out" if $failed;
}

# The psql script of a page.  Its line numbers are those of the page.
sub script
{
    my ($page, @blocks) = @_;
    my @script = ('') x @{ $page->{lines} };
    for my $n (0 .. $#blocks)
    {
        my $block = $blocks[$n];
        my $at = $block->{line} - 1;
        my @text = @{ $block->{text} };
        $script[$at] = "\\echo '$mark $n'" . ($block->{kind} eq 'run' ? ' \\\\ ' . shift @text : '');
        @script[ $at + 1 .. $at + @text ] = @text if @text;
    }
    return join "\n", @script, "\\echo '$mark " . @blocks . "'", '';
}

# The output of each block is left in it, with the line of the first error.
sub run_page
{
    my ($page) = @_;
    my @blocks = grep { $_->{kind} =~ /sql|run/ && !$_->{not_run} } @{ $page->{blocks} };
    return unless @blocks;
    fresh_database();
    my ($failed, $out) = run_psql($database, script($page, @blocks), '-v', 'ON_ERROR_STOP=0', '-v', 'VERBOSITY=default');
    my (undef, @parts) = split /^\Q$mark\E (\d+)\n/m, $out, -1;
    my %got = @parts;

    for my $n (0 .. $#blocks)
    {
        last unless defined $got{$n};
        my $block = $blocks[$n];
        my @got = split /\n/, $got{$n};
        for (@got)
        {
            $block->{error} //= $1 if /$psql_error/;
            s/^psql:<stdin>:\d+: //;
            s/\s+$//;
        }
        shift @got while @got && $got[0] eq '';
        pop @got while @got && $got[-1] eq '';
        $block->{got} = \@got;
        next if defined $got{ $n + 1 };
        problem($page, $block->{line}, "the session ends or waits for more in this block:\n" . indented(@got));
        last;
    }
}

sub indented { return join '', map { "    $_\n" } @_ }

# Lines without what may be different each time; regexes that matched are noted.
sub without_variation
{
    my ($block, @lines) = @_;
    my $same = 1;
    for my $line (@lines)
    {
        for my $vary (@{ $block->{vary} })
        {
            if ($line =~ s/$vary->{value}/\0/g)
            {
                $vary->{matched} = 1;
                $same = 0;
            }
        }
        $same = 0 if $line =~ s/$time/\x01/g;
        $line =~ s/ +/ /g;
        $line =~ s/-+/-/g;
        $line =~ s/\s+$//;
    }
    return ($same, @lines);
}

# The lines of two outputs, side by side as diff shows them.
sub difference
{
    my ($old, $new, $old_lines, $new_lines) = @_;
    my @length;
    for my $i (reverse 0 .. $#$old)
    {
        for my $j (reverse 0 .. $#$new)
        {
            my ($down, $right) = ($length[ $i + 1 ][$j] // 0, $length[$i][ $j + 1 ] // 0);
            $length[$i][$j] = $old->[$i] eq $new->[$j] ? 1 + ($length[ $i + 1 ][ $j + 1 ] // 0) : $down > $right ? $down : $right;
        }
    }
    my ($i, $j, @diff) = (0, 0);
    while ($i < @$old || $j < @$new)
    {
        if ($i < @$old && $j < @$new && $old->[$i] eq $new->[$j])
        {
            push @diff, " $old_lines->[$i++]";
            $j++;
        }
        elsif ($j == @$new || $i < @$old && ($length[ $i + 1 ][$j] // 0) >= ($length[$i][ $j + 1 ] // 0))
        {
            push @diff, "-$old_lines->[$i++]";
        }
        else
        {
            push @diff, "+$new_lines->[$j++]";
        }
    }
    return @diff;
}

# compare_block(PAGE, BLOCK, WRITE): a problem if the output is not what the page says, or,
# if it is to be written, the new lines for it
sub compare_block
{
    my ($page, $block, $write) = @_;
    my @got = @{ $block->{got} };
    if (!$block->{output})
    {
        problem($page, $block->{error}, "this fails, and the page has no output for it:\n" . indented(@got)) if $block->{error};
        return;
    }
    my @want = map { s/\s+$//r } @{ $block->{output}{text} };
    pop @want while @want && $want[-1] eq '';
    my (undef, @want_key) = without_variation($block, @want);
    delete $_->{matched} for @{ $block->{vary} };
    my ($exact, @got_key) = without_variation($block, @got);
    problem($page, $_->{line}, 'this matches nothing in the output: vary') for grep { !$_->{matched} } @{ $block->{vary} };
    my $equal = join("\n", @want_key) eq join("\n", @got_key);
    if ($write)
    {
        return if $equal && (!$exact || join("\n", @want) eq join("\n", @got));
        return \@got;
    }
    problem($page, $block->{output}{line}, "the output is another:\n" . indented(difference(\@want_key, \@got_key, \@want, \@got))) unless $equal;
    return;
}

# check_page(FILE, WRITE): the page, with its problems; with WRITE the outputs that are
# not what came out are replaced in the file
sub check_page
{
    my ($file, $write) = @_;
    my $page = read_page($file);
    my $written = 0;
    run_page($page);
    for my $block (reverse grep { $_->{got} } @{ $page->{blocks} })
    {
        my $new = compare_block($page, $block, $write) or next;
        my $output = $block->{output};
        splice @{ $page->{lines} }, $output->{line}, @{ $output->{text} }, map { length ? "$output->{indent}$_" : '' } @$new;
        $written++;
    }
    if ($written)
    {
        open my $out, '>', $file or die "$file: $!\n";
        print $out map { "$_\n" } @{ $page->{lines} };
        close $out or die "$file: $!\n";
    }
    @{ $page->{problems} } = sort { $a->{line} <=> $b->{line} } @{ $page->{problems} };
    $page->{written} = $written;
    $page->{run} = grep { $_->{got} && $_->{kind} eq 'sql' } @{ $page->{blocks} };
    $page->{compared} = grep { $_->{got} && $_->{output} } @{ $page->{blocks} };
    $page->{not_run} = [ grep { $_->{not_run} } @{ $page->{blocks} } ];
    return $page;
}

sub counted { my ($n, $what) = @_; return "$n $what" . ($n == 1 ? '' : 's') }

# What a page has, in a few words, and why blocks of it are not run.
sub summary
{
    my ($page) = @_;
    return join ', ', counted($page->{run}, 'block') . ' run', counted($page->{compared}, 'output') . ' compared',
      (@{ $page->{not_run} } ? counted(scalar @{ $page->{not_run} }, 'block') . ' not run' : ()),
      ($page->{written} ? counted($page->{written}, 'output') . ' written' : ());
}

sub reasons { my ($page) = @_; return map { "$page->{file}:$_->{line}: not run: $_->{not_run}" } @{ $page->{not_run} } }
sub problems { my ($page) = @_; return map { "$page->{file}:$_->{line}: $_->{text}" =~ s/\n*$/\n/r } @{ $page->{problems} } }

# main(check|write, FILE...): the exit status
sub main
{
    my ($mode, @files) = @_;
    my %total = map { $_ => 0 } qw(run compared not_run problems);
    for my $file (@files)
    {
        my $page = check_page($file, $mode eq 'write');
        print problems($page), "$file: ", summary($page), "\n", map { "    $_\n" } reasons($page);
        $total{$_} += $page->{$_} for qw(run compared);
        $total{$_} += @{ $page->{$_} } for qw(not_run problems);
    }
    print counted(scalar @files, 'page'), ', ', counted($total{run}, 'block'), " run, $total{compared} compared, $total{not_run} not run, ",
      counted($total{problems}, 'problem'), "\n";
    return $total{problems} ? 1 : 0;
}

1;
