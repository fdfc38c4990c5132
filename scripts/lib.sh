# What the scripts share: packages, the server's programs, the user to run a
# server as, and a directory for it.  Sourced, from the top of the source tree.
#
# A script sets "packages" to the further packages that it needs, "@" standing for
# the server's major version, and calls prepare.

unset PGHOST PGPORT PGUSER PGDATABASE PGDATA PGSERVICE PGOPTIONS PGPASSWORD
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
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

has_server()
{
	pg_config=${PG_CONFIG:-$(command -v pg_config)} || return 1
	[ -f "$("$pg_config" --pgxs 2>/dev/null)" ] &&
		bindir=$("$pg_config" --bindir) && [ -x "$bindir/initdb" ]
}

# With several versions installed, pg_config speaks for the newest client; the
# headers may be those of another one.
find_server()
{
	local config

	has_server && return
	[ -n "${PG_CONFIG-}" ] && return 1
	for config in $(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -rV); do
		PG_CONFIG=$config
		has_server && return
	done
	unset PG_CONFIG
	return 1
}

# The packages that are missing, one a line.
missing_packages()
{
	local major= package

	if ! find_server; then
		major=$(apt-cache show postgresql 2>/dev/null |
			sed -n 's/^Depends:.*postgresql-\([0-9][0-9]*\).*/\1/p' | head -n 1)
		printf '%s\n' "postgresql-${major:-15}" "postgresql-server-dev-${major:-15}"
	fi
	command -v cc >/dev/null || printf '%s\n' gcc libc6-dev
	for package in $packages; do
		if [[ $package = *@* ]]; then
			# only of use for a server that is a package itself
			[ -z "${bindir-}" ] || major=$(sed -n 's,^/usr/lib/postgresql/\([0-9]*\)/bin$,\1,p' <<<"$bindir")
			[ -n "$major" ] || continue
			package=${package/@/$major}
			# nor is every extension packaged for every server; its tests tell of that
			[ -z "$(apt-cache madison "postgresql-$major" 2>/dev/null)" ] ||
				[ -n "$(apt-cache madison "$package" 2>/dev/null)" ] || continue
		fi
		dpkg -s "$package" >/dev/null 2>&1 || printf '%s\n' "$package"
	done
}

install_packages()
{
	local missing

	missing=$(missing_packages | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null ||
		fail "This needs packages that are missing here: $missing" \
			"They are Debian's names; install their like, and set PG_CONFIG."
	may_be_root ||
		fail "This needs packages that are missing here. Have an administrator run:" "" \
			"    apt-get install ${missing% }"
	say "Installing ${missing% }..."
	as_root apt-get -qq -o DPkg::Lock::Timeout=300 update ||
		fail "apt-get update failed."
	missing=$(missing_packages | tr '\n' ' ')
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends $missing >"$log" 2>&1 ||
		fail "apt-get install failed:" "$(tail -n 20 "$log")"
	find_server || fail "PostgreSQL's programs and headers were not found; set PG_CONFIG."
}

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

# Is what was built in the current directory what the server has?
is_installed()
{
	local file

	cmp -s schemakit.so "$("$pg_config" --pkglibdir)/schemakit.so" || return
	for file in schemakit.control schemakit--*.sql; do
		cmp -s "$file" "$("$pg_config" --sharedir)/extension/$file" || return
	done
}

# Install what was built in the current directory, unless it is there already
# and only an administrator could.
install_extension()
{
	if [ -w "$("$pg_config" --pkglibdir)" ] && [ -w "$("$pg_config" --sharedir)/extension" ]; then
		make_for_server install >"$log" 2>&1
	elif is_installed; then
		return 0
	else
		may_be_root ||
			fail "You may not install into $("$pg_config" --pkglibdir)." \
				"Have an administrator run, in this directory:" "" "    make install PG_CONFIG=$pg_config"
		as_root bash -c "$(declare -f make_for_server); pg_config=$pg_config; make_for_server install" >"$log" 2>&1
	fi || fail "make install failed:" "$(tail -n 20 "$log")"
}

prepare()
{
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	find_server || true
	install_packages
	find_server || fail "PostgreSQL's programs and headers were not found; set PG_CONFIG."
}

# evidence NAME [RESULT]: what was found is kept for scripts/evidence; at first, that
# there is no result
evidence()
{
	mkdir -p tmp/evidence
	echo "$(date +%F)|$("$bindir/postgres" --version | sed -n 's/.*(PostgreSQL) \([^ ]*\).*/\1/p')|$commit|${2-was not run to the end}" \
		>"tmp/evidence/$1"
}

# May the server's user go there, and is the path short enough for a socket?
is_usable()
{
	as_server test -x "$1" && as_server test -w "$1" && [ ${#1} -lt 80 ]
}

# Where the caller is, the server's user may not be allowed to be.
in_cluster() { (cd "$1" && shift && as_server "$@"); }

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
