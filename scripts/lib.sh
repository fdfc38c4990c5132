# What the scripts share: packages, the server's programs, the user to run a
# server as, and a directory for it.  Sourced, from the top of the source tree.
#
# A script sets "packages" to the further packages that it needs, "@" standing for
# the server's major version, and calls prepare.

unset PGHOST PGPORT PGUSER PGDATABASE PGDATA PGSERVICE PGOPTIONS PGPASSWORD
# PostgreSQL's own tests unset LC_ALL
export LC_ALL=C.UTF-8 LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
packages=

# What is checked; + if it is not all committed.
commit=$(git describe --always --exclude='*' --dirty=+ 2>/dev/null || true)

# How scripts/assert-server and scripts/check use AddressSanitizer and
# UndefinedBehaviorSanitizer, as PostgreSQL's own tests do: programs that end without
# freeing all are no finding, and the server measures its stack by addresses.
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:disable_coredump=0:verify_asan_link_order=0

say() { printf '%s\n' "$@"; }
fail() { printf '%s\n' "$@" >&2; exit 1; }

as_root()
{
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

# sudo may ask for a password, where there is somebody to ask
may_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -v 2>/dev/null; }; }

# Where what takes long to make stays: $SCHEMAKIT_CACHE, or schemakit under
# $XDG_CACHE_HOME, ~/.cache or, for root, /var/cache.
cache_dir()
{
	if [ "$(id -u)" = 0 ]; then
		echo "${SCHEMAKIT_CACHE:-/var/cache/schemakit}"
	else
		echo "${SCHEMAKIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/schemakit}"
	fi
}

# A server does not run as root.
if [ "$(id -u)" = 0 ]; then
	server_user=postgres
	as_server() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
else
	server_user=$(id -un)
	as_server() { "$@"; }
fi

has_headers() { [ -f "$("$1" --pgxs 2>/dev/null)" ] && [ -f "$("$1" --includedir-server)/postgres.h" ]; }

# Sets pg_config and bindir to those of $PG_CONFIG, or else of the newest server that
# has its headers.  Fails if none has; they are those of a server without, if there
# is one.  With several versions installed, the pg_config in the path speaks for the
# newest client, which has a server perhaps not, and pgxs.mk, but no headers.
find_server()
{
	local config dir configs=("${PG_CONFIG-}")

	bindir= pg_config=
	[ -n "${PG_CONFIG-}" ] ||
		mapfile -t configs < <(command -v pg_config; ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -rV)
	for config in "${configs[@]}"; do
		dir=$("$config" --bindir 2>/dev/null) && [ -x "$dir/initdb" ] || continue
		[ -n "$bindir" ] || bindir=$dir pg_config=$config
		if has_headers "$config"; then
			bindir=$dir pg_config=$config PG_CONFIG=$config
			return
		fi
	done
	return 1
}

# What find_server found, or did not, in words.
no_server()
{
	if [ -z "$bindir" ]; then
		say "There is no PostgreSQL server that ${PG_CONFIG:-pg_config} tells of."
	else
		say "The headers of PostgreSQL $(server_major) are not installed: there is no postgres.h in $("$pg_config" --includedir-server)."
	fi
}

server_major() { "$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'; }

# The packages of the server and its headers that are missing, one a line.
missing_server()
{
	local major

	if find_server; then
		return
	elif [ -n "$bindir" ]; then
		printf '%s\n' "postgresql-server-dev-$(server_major)"
	else
		# which version this release of Debian has is known once its lists are read
		major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
		[ -n "$major" ] && printf '%s\n' "postgresql-$major" "postgresql-server-dev-$major" ||
			printf '%s\n' postgresql postgresql-server-dev-all
	fi
}

# What plain make tells who has no headers where PG_CONFIG says.
headers_hint()
{
	[ -n "${PG_CONFIG-}" ] && { find_server || [ -n "$bindir" ] || unset PG_CONFIG; }
	if find_server; then
		echo "set PG_CONFIG=$pg_config"
	else
		echo "install $(missing_server | paste -sd' ')"
	fi
}

# The packages that are missing, one a line.
missing_packages()
{
	local major package server

	server=$(missing_server)
	[ -z "$server" ] || say "$server"
	find_server || true
	# only of use for a server that is a package itself
	major=$(sed -nE 's,^/usr/lib/postgresql/([0-9]+)/bin$,\1,p; s/^postgresql-([0-9]+)$/\1/p' <<<"${bindir:-$server}")
	command -v cc >/dev/null || printf '%s\n' gcc libc6-dev
	for package in $packages; do
		if [[ $package = *@* ]]; then
			[ -n "$major" ] || continue
			package=${package/@/$major}
			# nor is every extension packaged for every server; its tests tell of that
			[ -z "$(apt-cache madison "postgresql-$major" 2>/dev/null)" ] ||
				[ -n "$(apt-cache madison "$package" 2>/dev/null)" ] || continue
		fi
		dpkg -s "$package" >/dev/null 2>&1 || printf '%s\n' "$package"
	done
}

# apt_get TEXT ARGUMENT...: apt-get as root, with lines of progress: on a terminal one
# that says how far it is
apt_get()
{
	local text=$1 start=$SECONDS line status

	shift
	[ -t 1 ] || say "$text..."
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o APT::Status-Fd=1 "$@" 2>&1 </dev/null |
		while IFS= read -r line; do
			if [[ ! $line =~ ^(dl|pm)status:.*:([0-9]+)[0-9.]*:(.*) ]]; then
				printf '%s\n' "$line" >>"$log"
			elif [ -t 1 ]; then
				printf '\r\e[K%.78s' "$text: ${BASH_REMATCH[2]} % ${BASH_REMATCH[3]}"
			fi
		done
	status=${PIPESTATUS[0]}
	[ ! -t 1 ] || printf '\r\e[K'
	[ "$status" != 0 ] || say "$text: done, $((SECONDS - start)) s"
	return "$status"
}

# How much apt-get would load and write, as it says it.
apt_sizes()
{
	apt-get -o Debug::NoLocking=1 --assume-no install --no-install-recommends "$@" 2>/dev/null |
		sed -n 's/^Need to get \(.*\) of archives.*/\1 to download/p; s/^After this operation, \(.*\) of additional.*/\1 on the disk/p' |
		paste -sd, | sed 's/,/, /'
}

install_packages()
{
	local missing package

	missing=$(missing_packages | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if ! find_server && [ -n "${PG_CONFIG-}" ] && [[ $bindir != /usr/lib/postgresql/*/bin ]]; then
		fail "$(no_server)" "Set PG_CONFIG to the pg_config of a server with its headers, or unset it."
	fi
	command -v apt-get >/dev/null ||
		fail "This needs packages that are missing here: $missing" \
			"They are Debian's names; install their like, and set PG_CONFIG."
	[ -z "$bindir" ] || find_server || no_server
	[ "$(id -u)" = 0 ] || say "Administrator's rights are needed to install packages, and schemakit into the server's directories."
	may_be_root || fail "Have an administrator run, in $PWD:" "" "    apt-get update && apt-get install ${missing% }" "    make install"
	# a source that cannot be had need not be one of those that matter
	apt_get "Reading the lists of packages" update || say "Not all of them could be read:" "$(grep '^[EW]:' "$log")"
	missing=$(missing_packages)
	for package in $missing; do
		[ -n "$(apt-cache madison "$package")" ] || fail "The package $package is missing, and none of this machine's sources of packages has it." \
			"Add the one that the server came from to apt's sources, or set PG_CONFIG to another server's."
	done
	say "Installing packages ($(apt_sizes $missing)):" "$(fmt -w 76 <<<"${missing//$'\n'/ }" | sed 's/^/    /')"
	apt_get "Installing packages" install --no-install-recommends $missing || fail "apt-get install failed:" "$(tail -n 20 "$log")"
	find_server || fail "$(no_server)"
}

# mirror NAME: the archive that this machine uses, debian or debian-security, or Debian's own
mirror()
{
	{ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null || true; } |
		sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+) .*/\2/p' | grep -E "^https?:.*/$1/*$" |
		head -n 1 | grep . || echo "http://deb.debian.org/$1"
}

# What apt's configuration says of how to get there, as options for mmdebstrap, one a line.
mirror_options() { apt-config dump --format='--aptopt=%F "%v";%n' | grep -E '^--aptopt=Acquire::(Check-|https?::Proxy )' || true; }

# get_source PACKAGE DIR: the source of a package of Debian, without Debian's patches,
# as DIR/PACKAGE.  The lists of sources are kept in a place apart, in DIR.
get_source()
{
	local file apt version

	mkdir -p "$2/apt/lists/partial" "$2/apt/parts" "$2/$1" || return
	{ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
		sed -n 's/^deb /deb-src /p' >"$2/apt/sources.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -e "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$2/apt/parts/${file##*/}"
	done
	apt=(-qq -o Dir::Etc::SourceList="$2/apt/sources.list" -o Dir::Etc::SourceParts="$2/apt/parts"
		-o Dir::State::Lists="$2/apt/lists" -o APT::Sandbox::User=root)
	(
		cd "$2" && apt-get "${apt[@]}" update || exit
		# one of the security archive may be listed and gone: then the one before
		apt-get "${apt[@]}" source --download-only "$1" || {
			version=$(apt-cache "${apt[@]}" showsrc "$1" | sed -n 's/^Version: //p' | sort -V | head -n 1)
			apt-get "${apt[@]}" source --download-only "$1=$version" || exit
		}
		tar -xf "$1"_*.orig.tar.* -C "$1" --strip-components=1
	)
}

# make, for the server that was found, with bitcode only where clang is
make_for_server()
{
	local clang

	clang=$(sed -n 's/^CLANG *= *//p' "$(dirname "$("$pg_config" --pgxs)")/../Makefile.global")
	if [ -n "$clang" ] && command -v "$clang" >/dev/null; then
		make -s PG_CONFIG="$pg_config" "$@"
	else
		make -s PG_CONFIG="$pg_config" with_llvm=no "$@"
	fi
}

# Where this tree may not be written, by this user or at all, work goes on in a copy.
own_tree()
{
	local copy file

	file=$(find . -path ./.git -prune -o -path ./tmp/demo -prune -o ! -writable -print -quit)
	[ -n "$file" ] || return 0
	copy=$(cache_dir)/tree-$(cksum <<<"$PWD" | cut -d' ' -f1)
	say "$(realpath "$file") is not writable for $(id -un): working in a copy, $copy"
	mkdir -p "$copy" && find "$copy" -mindepth 1 -maxdepth 1 ! -name tmp -exec rm -rf {} + && copy_sources "$copy" && cd "$copy" ||
		fail "There could be no copy in $copy."
}

# copy_sources DIR: this tree, but what was made in it
copy_sources()
{
	tar -cf - --exclude=./.git --exclude=./tmp --exclude='*.o' --exclude='*.bc' --exclude='*.so' . |
		tar -xf - -C "$1" --no-same-owner
}

# Is what was built in the current directory what the server has?
is_installed()
{
	local file

	cmp -s schemakit.so "$("$pg_config" --pkglibdir)/schemakit.so" || return
	for file in schemakit.control schemakit--*.sql; do
		cmp -s "$file" "$("$pg_config" --sharedir)/extension/$file" || return
	done
}

is_writable() { [ -w "$("$pg_config" --pkglibdir)" ] && [ -w "$("$pg_config" --sharedir)/extension" ]; }

# Said before anything is built: may this user install, or has somebody done it who may?
may_install()
{
	is_writable || [ "$(id -u)" = 0 ] || {
		say "Administrator's rights are needed to install schemakit into $("$pg_config" --pkglibdir)."
		may_be_root || [ -e "$("$pg_config" --sharedir)/extension/schemakit.control" ]
	}
}

may_not_install()
{
	fail "You may not install into $("$pg_config" --pkglibdir)." \
		"Have an administrator run, in $PWD:" "" "    make install PG_CONFIG=$pg_config"
}

# Install what was built in the current directory, unless it is there already
# and only an administrator could.
install_extension()
{
	if is_writable; then
		make_for_server install >"$log" 2>&1
	elif is_installed; then
		return 0
	else
		may_be_root || may_not_install
		as_root bash -c "$(declare -f make_for_server); pg_config='$pg_config'; make_for_server install" >"$log" 2>&1
	fi || fail "make install failed:" "$(tail -n 20 "$log")"
}

# prepare [build]: installs what is missing; "build" is for what does not install schemakit
prepare()
{
	own_tree
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	install_packages
	find_server || fail "$(no_server)"
	[ "${1-}" = build ] || may_install || may_not_install
}

# evidence NAME [RESULT]: what was found is kept for scripts/evidence; at first, that
# there is no result
evidence()
{
	mkdir -p tmp/evidence
	echo "$(date +%F)|$("$bindir/postgres" --version | sed -n 's/.*(PostgreSQL) \([^ ]*\).*/\1/p')|$commit|${2-was not run to the end}" \
		>"tmp/evidence/$1"
}

# May the server's user go there, and can the path be that of a socket and a setting?
is_usable()
{
	as_server test -x "$1" && as_server test -w "$1" && [ ${#1} -lt 80 ] && [[ $1 != *[\'\",]* ]]
}

# Where the caller is, the server's user may not be allowed to be; and a server does
# not keep the demo's output open.
in_cluster() { (exec 3>&- && cd "$1" && shift && as_server "$@"); }

# start_cluster DIR [LINE...]: a server of our own in DIR, which the server's
# user owns, on a socket in DIR only; the lines go into its configuration
start_cluster()
{
	local dir=$1

	shift
	in_cluster "$dir" "$bindir/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >"$log" 2>&1 ||
		fail "initdb failed:" "$(cat "$log")"
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$dir'" "unix_socket_permissions = 0700" "$@" |
		in_cluster "$dir" tee -a "$dir/data/postgresql.conf" >/dev/null
	in_cluster "$dir" "$bindir/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -s start >"$log" 2>&1 ||
		fail "The server did not start:" "$(cat "$log" "$dir/server.log")"
}

stop_cluster()
{
	in_cluster "$1" "$bindir/pg_ctl" -D "$1/data" -m fast -w -s stop
}
