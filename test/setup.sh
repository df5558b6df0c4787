# What ./demo, ./check and test/memcheck share; sourced by bash, never run.
#
# A run leaves nothing behind but packages: it works in one temporary
# directory, on a copy of the tree and of the PostgreSQL installation, so
# that two runs, or a run and a server in use, never meet.
#
# Settings from the environment:
#   PG_CONFIG  the pg_config of the PostgreSQL to use; the newest by default
#   TMPDIR     where the temporary directory is made; /tmp by default

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
oldest_postgres=15
work=			# the temporary directory
keep=			# set: leave the temporary directory and the server
run_user=		# the unprivileged user to run as; empty: ourselves
sudo=			# how to become root for apt-get
no_cluster=		# a file that keeps packages from starting a server of theirs
given=(PATH="$PATH" HOME="${HOME:-/}" TMPDIR="${TMPDIR:-/tmp}" PG_CONFIG="${PG_CONFIG:-}")

# Say what happens now.
say() {
	printf -- '--> %s\n' "$*"
}

# Give up with a sentence that says what to do.
fail() {
	printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# Run a command with its output in a log; where it fails, show the log's end
# and give up: logged LOG SENTENCE COMMAND...
logged() {
	local log=$work/$1.log sentence=$2
	shift 2
	"$@" >>"$log" 2>&1 && return
	tail -n 40 "$log" >&2
	fail "$sentence"
}

# Run a command as the unprivileged user.
as_user() {
	if [ "$run_user" ]; then
		runuser -u "$run_user" -- "$@"
	else
		"$@"
	fi
}

# Run a command as the caller of this run would.
run_outside() {
	env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE "${given[@]}" "$@"
}

# Make the temporary directory, and see to it that it goes again.
begin() {
	local name

	exec </dev/null
	for name in ${!PG@} ${!LC_@} LANGUAGE MAKEFLAGS MAKELEVEL; do
		[ "$name" = PG_CONFIG ] || unset "$name"
	done
	export LC_ALL=C.UTF-8 LANG=C.UTF-8

	work=$(mktemp -d "${TMPDIR:-/tmp}/finance.XXXXXX") ||
		fail "no temporary directory can be made in ${TMPDIR:-/tmp}: set TMPDIR to one that can be written."
	[ ${#work} -le 60 ] ||
		fail "$work is too long for the path of a Unix socket: set TMPDIR to a shorter one."
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# Stop the server and remove the temporary directory.
finish() {
	local status=$?

	trap - EXIT
	trap '' INT TERM HUP
	cd /
	allow_cluster
	[ -z "$work" ] || [ "$keep" ] || { stop_server; rm -rf "$work"; }
	exit $status
}

# ---------------------------------------------------------------------------
# packages
# ---------------------------------------------------------------------------

# The major version of the PostgreSQL that a pg_config belongs to.
postgres_major() {
	"$1" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
}

# Is this the pg_config of a PostgreSQL that we can build for and start?
is_usable() {
	local bin

	[ -x "$1" ] && bin=$("$1" --bindir 2>/dev/null) &&
		[ "$(postgres_major "$1")" -ge $oldest_postgres ] &&
		[ -e "$("$1" --pgxs)" ] && [ -x "$bin/postgres" ] && [ -x "$bin/initdb" ]
}

# Set PG_CONFIG to the newest usable PostgreSQL, unless it was given.
find_postgres() {
	local candidate

	if [ "${PG_CONFIG:-}" ]; then
		candidate=$(command -v "$PG_CONFIG") && is_usable "$candidate" ||
			fail "PG_CONFIG=$PG_CONFIG is not the pg_config of a PostgreSQL $oldest_postgres or newer with server and headers: name another, or unset it."
		PG_CONFIG=$candidate
		return
	fi
	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV) \
		"$(command -v pg_config || true)"; do
		if is_usable "$candidate"; then
			PG_CONFIG=$candidate
			return
		fi
	done
	return 1
}

# Can the compiler find this header?
has_header() {
	echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1
}

# Print the packages that are missing, other than PostgreSQL's own:
# missing_tools FOR..., where FOR is "build", "tap" or "valgrind".
missing_tools() {
	local purpose

	for purpose; do
		case $purpose in
			build)
				command -v gcc >/dev/null || echo gcc
				has_header stdio.h || echo libc6-dev
				command -v make >/dev/null || echo make
				has_header curl/curl.h || echo libcurl4-openssl-dev ;;
			tap)
				command -v prove >/dev/null || echo perl
				perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl ;;
			valgrind)
				command -v valgrind >/dev/null || echo valgrind ;;
		esac
	done
}

# Print the packages of PostgreSQL that are missing: those of the newest
# version that is installed in part, or else of the newest one on offer.
missing_postgres() {
	local major

	major=$(ls /usr/lib/postgresql 2>/dev/null | sort -rn | head -n 1)
	[ "${major:-0}" -ge $oldest_postgres ] ||
		major=$(apt-cache search --names-only '^postgresql-server-dev-[0-9]+$' |
			sed 's/^postgresql-server-dev-\([0-9]*\) .*/\1/' | sort -rn | head -n 1)
	[ "$major" ] ||
		fail "apt offers no PostgreSQL: see to the network and to /etc/apt, then run this again."
	[ "$major" -ge $oldest_postgres ] ||
		fail "this system offers PostgreSQL $major, and finance needs $oldest_postgres or newer: add the package source of apt.postgresql.org, then run this again."
	[ -x "/usr/lib/postgresql/$major/bin/postgres" ] || echo "postgresql-$major"
	[ -e "/usr/lib/postgresql/$major/lib/pgxs/src/makefiles/pgxs.mk" ] ||
		echo "postgresql-server-dev-$major"
}

# Let packages start servers of their own again.
allow_cluster() {
	[ -z "$no_cluster" ] || $sudo rm -f "$no_cluster"
	no_cluster=
}

# Install what is missing: install_packages FOR...
install_packages() {
	local packages

	packages=$(missing_tools "$@")
	if find_postgres && [ -z "$packages" ]; then
		return
	fi

	command -v apt-get >/dev/null ||
		fail "missing on this system: ${packages:-PostgreSQL $oldest_postgres or newer with its server headers}. Install it, then run this again."
	if [ "$(id -u)" != 0 ]; then
		sudo='sudo -n'
		$sudo true 2>/dev/null ||
			fail "packages are missing, and sudo is not there or asks for a password: run \"sudo true\" first, or run this as root."
	fi

	say "asking apt for its packages"
	logged apt "apt-get update failed: see to the network and to /etc/apt, then run this again." \
		$sudo apt-get -q update
	[ "${PG_CONFIG:-}" ] || packages="$packages $(missing_postgres)" || exit 1
	packages=$(echo $packages)

	if [[ $packages =~ postgresql-[0-9] ]]; then
		no_cluster=/etc/postgresql-common/createcluster.d/finance.conf
		$sudo mkdir -p "${no_cluster%/*}"
		echo 'create_main_cluster = false' | $sudo tee "$no_cluster" >/dev/null
	fi
	say "installing $packages"
	logged apt "apt-get could not install $packages: see the lines above, then run this again." \
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=600 install --no-install-recommends $packages
	allow_cluster

	find_postgres ||
		fail "PostgreSQL was installed but is not found: set PG_CONFIG to the path of its pg_config."
}

# ---------------------------------------------------------------------------
# build
# ---------------------------------------------------------------------------

# Choose the user: PostgreSQL refuses to run as root.
choose_user() {
	if [ "$(id -u)" = 0 ]; then
		if id postgres >/dev/null 2>&1; then run_user=postgres; else run_user=nobody; fi
		chown "$run_user" "$work"
	fi
	export HOME=$work TMPDIR=$work/tmp
	cd "$work"
	as_user mkdir "$work"/{tmp,socket,tree,postgres} ||
		fail "user $run_user cannot write to $work: set TMPDIR to a directory that every user can reach."
}

# Copy the PostgreSQL installation, so that only this run sees what it
# installs.  The server finds its files from where its program lies, so
# programs are copied; what they read may be linked.
copy_postgres() {
	local bin lib share include root=$work/postgres program

	bin=$("$PG_CONFIG" --bindir)
	lib=$("$PG_CONFIG" --pkglibdir)
	share=$("$PG_CONFIG" --sharedir)
	include=$("$PG_CONFIG" --pkgincludedir)

	as_user mkdir -p "$root$bin" "$root$lib" "$root$share/extension" "$root$(dirname "$include")"
	for program in postgres initdb pg_config pg_ctl psql pg_dump pg_dumpall pg_restore \
		pg_isready pg_basebackup pg_controldata pgbench createdb dropdb; do
		[ ! -e "$bin/$program" ] || as_user cp -L "$bin/$program" "$root$bin/"
	done
	as_user ln -s "$lib"/* "$root$lib/"
	as_user ln -s "$share"/extension/* "$root$share/extension/"
	for program in "$share"/*; do
		[ "$program" = "$share/extension" ] || as_user ln -s "$program" "$root$share/"
	done
	as_user ln -s "$include" "$root$include"
	[ -e "$root$("$PG_CONFIG" --includedir-server)" ] || {
		include=$("$PG_CONFIG" --includedir-server)
		as_user mkdir -p "$root$(dirname "$include")"
		as_user ln -s "$include" "$root$include"
	}

	# What an installed finance left there is not ours.
	as_user rm -f "$root$lib"/finance.so "$root$share"/extension/finance{.control,--*,-books--*}

	PG_CONFIG=$root$bin/pg_config
	export PG_CONFIG PATH=$root$bin:$PATH
	as_user "$root$bin/postgres" --version >/dev/null 2>"$work/copy.log" || {
		cat "$work/copy.log" >&2
		fail "PostgreSQL does not start from $work: set TMPDIR to a directory from which programs may run."
	}
}

# Copy the tree, without what earlier builds left in it.
copy_tree() {
	tar -C "$top" --exclude=./.git -cf - . | tar -C "$work/tree" -xf - ||
		fail "the tree could not be copied to $work: see to the space there."
	[ -z "$run_user" ] || chown -R "$run_user" "$work/tree"
	as_user rm -f "$work"/tree/src/*.{o,bc} "$work"/tree/src/*/*.{o,bc} "$work"/tree/*.so
}

# Run make in the copy of the tree.  Bitcode is for JIT and doubles the time.
make_in_copy() {
	as_user make -s -C "$work/tree" with_llvm=no PG_CONFIG="$PG_CONFIG" "$@"
}

# Build and install into the copy of PostgreSQL: build MAKE-ARGUMENT...
build() {
	make_in_copy clean && make_in_copy -j "$(nproc)" "$@" && make_in_copy install "$@"
}

# Everything before the build: prepare FOR...
prepare() {
	install_packages "$@"
	say "using $("$PG_CONFIG" --version)"
	choose_user
	copy_postgres
	copy_tree
}

# ---------------------------------------------------------------------------
# server
# ---------------------------------------------------------------------------

# Make a server that listens on a Unix socket in our directory and nowhere
# else: make_server SETTING...
make_server() {
	say "starting a throw-away server"
	logged initdb "the server's files could not be made: see the lines above." \
		as_user initdb --pgdata="$work/data" --username=postgres --auth=trust \
		--encoding=UTF8 --locale=C.UTF-8 --no-sync
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work/socket'" \
		"port = 5432" "$@" | as_user tee -a "$work/data/postgresql.conf" >/dev/null
	export PGHOST=$work/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

# Start that server: start_server VARIABLE=VALUE..., for its environment.
start_server() {
	logged start "the server did not start: see the lines above." \
		as_user env "$@" pg_ctl --pgdata="$work/data" --log="$work/server.log" \
		--timeout=180 --wait start
}

# Stop our server; the only one in that directory.
stop_server() {
	[ ! -e "$work/data/postmaster.pid" ] ||
		as_user pg_ctl --pgdata="$work/data" --mode="${1:-immediate}" --timeout=180 \
			--wait stop >/dev/null 2>&1 || true
}
