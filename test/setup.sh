# What ./demo, ./check and test/memcheck share; sourced by bash, never run.
#
# A run leaves nothing behind but packages: it works in one temporary
# directory, on a copy of the tree and of the PostgreSQL installation, so
# that two runs, or a run and a server in use, never meet.
#
# Settings from the environment:
#   PG_CONFIG  the pg_config of the PostgreSQL to use; the newest by default
#   TMPDIR     where the temporary directory is made; /tmp by default
# and nothing else: what steers psql, make, the compiler or a shell elsewhere
# must not make one run differ from another.

# What a run, and a run that it starts, gets of the caller's environment.
given=(PATH="$PATH" HOME="${HOME:-/}" TMPDIR="${TMPDIR:-/tmp}" PG_CONFIG="${PG_CONFIG:-}")
for name in LD_LIBRARY_PATH http_proxy https_proxy no_proxy; do
	[ -z "${!name:-}" ] || given+=("$name=${!name}")
done

# Start again without the rest; the process stays the same.
[ "${started_clean:-}" = $$ ] ||
	exec env -i started_clean=$$ "${given[@]}" "$BASH" -p "$0" "$@"
unset started_clean

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
oldest_postgres=15
newest_postgres=18	# that we know; a newer one is taken where there is no other
room_mb=400		# what a run may need of the disk
apt_patience_s=600	# how long to wait while another program uses apt
work=			# the temporary directory, or the part of it that a lane works in
disk=			# the directory that it is made in
explained=		# set: what went wrong has been said
keep=			# set: leave the temporary directory and the server
run_user=		# the unprivileged user to run as; empty: ourselves
sudo=			# how to become root for apt-get
superuser=postgres	# of the server
initdb_options=(--encoding=UTF8 --locale=C.UTF-8)
installed_config=	# the pg_config that was found; PG_CONFIG is that of our copy
lanes=			# the process groups that run beside us
no_cluster=		# a file that keeps packages from starting a server of theirs

# Say what happens now.
say() {
	printf -- '--> %s\n' "$*"
}

# Does the disk of the temporary directory have so much room: has_room MB
has_room() {
	local room

	room=$(df -Pm "$work" 2>/dev/null | awk 'NR == 2 { print $4 }')
	[ "${room:-$1}" -ge "$1" ]
}

# Give up with a sentence that says what to do.
fail() {
	[ -z "$work" ] || { has_room 8 && ! grep -qsE 'No space left on device|Check free disk space' "$work"/*.log; } ||
		set -- "no space is left in $disk: set TMPDIR to a directory on a disk with $room_mb MB free."
	explained=1
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
	env -i "${given[@]}" "$@"
}

# Make the temporary directory, and see to it that it goes again.
begin() {
	exec </dev/null
	umask 022
	export LC_ALL=C.UTF-8 LANG=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP

	work=$(cd "$TMPDIR" 2>/dev/null && mktemp -d "$PWD/finance.XXXXXX" 2>/dev/null) ||
		fail "no temporary directory can be made in $TMPDIR: set TMPDIR to one that can be written."
	disk=${work%/*}
	TMPDIR=$disk
	[ ${#work} -le 60 ] ||
		fail "$work is too long for the path of a Unix socket: set TMPDIR to a shorter one."
	[[ ! $work =~ [][:space:]\'\"\`\$\\#%\&\;:\(\)\<\>\|*?[] ]] ||
		fail "make cannot work in $TMPDIR, for the characters of its name: set TMPDIR to a directory of letters, digits, \".\", \"_\" and \"-\"."
	choose_user
	has_room $room_mb ||
		fail "too little space is left in $TMPDIR: set TMPDIR to a directory on a disk with $room_mb MB free."
	as_user touch "$work/program" 2>/dev/null ||
		fail "user $run_user cannot reach $work: set TMPDIR to a directory that every user can reach."
	chmod +x "$work/program"
	"$work/program" 2>/dev/null ||
		fail "no program may run from $TMPDIR (it is mounted noexec): set TMPDIR to a directory on another disk."
}

# Remove a directory, whatever may not be written to in it.
remove() {
	rm -rf "$1" 2>/dev/null || { chmod -R u+rwX "$1" && rm -rf "$1"; }
}

# End what runs beside us, stop our servers and remove the temporary directory.
finish() {
	local status=$?

	trap - EXIT
	trap '' INT TERM HUP
	cd /
	[ $status = 0 ] || [ $status -gt 128 ] || [ "$explained" ] ||
		(fail "a step failed that nothing is known of: see the lines above.") || true
	allow_cluster
	[ -z "$work" ] || [ "$keep" ] || { end_lanes; stop_servers; remove "$work"; }
	exit $status
}

# ---------------------------------------------------------------------------
# packages
# ---------------------------------------------------------------------------

# The major version of the PostgreSQL that a pg_config belongs to.
postgres_major() {
	"$1" --version 2>/dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
}

# Is this the pg_config of a PostgreSQL that we can build for and start?
is_usable() {
	local bin

	[ -f "$1" ] && [ -x "$1" ] && bin=$("$1" --bindir 2>/dev/null) &&
		[[ $(postgres_major "$1") =~ ^[0-9]+$ ]] && [ "$(postgres_major "$1")" -ge $oldest_postgres ] &&
		[ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] &&
		[ -e "$("$1" --pgxs)" ] && [ -e "$("$1" --includedir-server)/postgres.h" ]
}

# Set PG_CONFIG to the newest usable PostgreSQL, unless it was given.
find_postgres() {
	local candidate usable=

	if [ "$PG_CONFIG" ]; then
		candidate=$(command -v "$PG_CONFIG") && candidate=$(realpath -s "$candidate") && is_usable "$candidate" ||
			fail "PG_CONFIG=$PG_CONFIG is not the pg_config of a PostgreSQL $oldest_postgres or newer with its server and server headers: name another, or unset it."
		PG_CONFIG=$candidate
		return
	fi
	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV) \
		"$(command -v pg_config || true)"; do
		is_usable "$candidate" || continue
		usable=${usable:-$candidate}
		[ "$(postgres_major "$candidate")" -gt $newest_postgres ] || { usable=$candidate && break; }
	done
	PG_CONFIG=$usable
	[ "$usable" ]
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
				perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
				command -v hledger >/dev/null || echo hledger ;;
			valgrind)
				command -v valgrind >/dev/null || echo valgrind ;;
		esac
	done
}

# Print the major version of PostgreSQL to complete by packages: the newest
# whose server is installed, or else the newest on offer.
wanted_major() {
	local major offered

	offered=$(apt-cache search --names-only '^postgresql-server-dev-[0-9]+$' |
		sed 's/^postgresql-server-dev-\([0-9]*\) .*/\1/' | sort -rn)
	[ "$offered" ] ||
		fail "apt offers no PostgreSQL: see to the network and to /etc/apt, then run this again."
	for major in $(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | cut -d / -f 5 | sort -rn) $offered; do
		[ "$major" -ge $oldest_postgres ] && [ "$major" -le $newest_postgres ] || continue
		[[ " "$offered" " != *[[:space:]]$major[[:space:]]* ]] || { echo "$major" && return; }
	done
	fail "this system offers PostgreSQL" $offered "and finance needs $oldest_postgres to $newest_postgres: add the package source of apt.postgresql.org, then run this again."
}

# Print the packages of PostgreSQL that are missing.
missing_postgres() {
	local major

	major=$(wanted_major) || return
	[ -x "/usr/lib/postgresql/$major/bin/postgres" ] || echo "postgresql-$major"
	echo "postgresql-server-dev-$major"
	# since 18 JIT is a package of its own
	! apt-cache show "postgresql-$major-jit" >/dev/null 2>&1 || echo "postgresql-$major-jit"
}

# Let packages start servers of their own again.
allow_cluster() {
	[ -z "$no_cluster" ] || $sudo rm -f "$no_cluster"
	no_cluster=
}

# Run apt-get as root, patiently where another program uses apt, and not
# where a source of packages does not answer: apt_get ARGUMENT...
apt_get() {
	local until=$((SECONDS + apt_patience_s)) waits=

	until $sudo env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@" >"$work/apt.log" 2>&1; do
		grep -Eq 'Could not get lock|Unable to (acquire|lock)' "$work/apt.log" || return 1
		[ $SECONDS -lt $until ] ||
			fail "another program is using apt, and has not finished: wait for it to end, then run this again."
		[ "$waits" ] || say "waiting for another program that uses apt"
		waits=1
		sleep 3
	done
}

# Become able to install packages.
become_root() {
	[ "$(id -u)" != 0 ] || return 0
	sudo='sudo -n'
	$sudo true 2>/dev/null ||
		fail "packages are missing ($*), and sudo is not there or asks for a password: run \"sudo true\" first, or run this as root once."
}

# Install what is missing: install_packages FOR...
install_packages() {
	local packages

	packages=$(echo $(missing_tools "$@"))
	if find_postgres && [ -z "$packages" ]; then
		return
	fi

	[ "$PG_CONFIG" ] || packages="$packages $(missing_postgres 2>/dev/null || echo postgresql-NN postgresql-server-dev-NN)"
	packages=$(echo $packages)
	command -v apt-get >/dev/null ||
		fail "missing on this system: what Debian calls $packages, with PostgreSQL $oldest_postgres or newer. Install it, then run this again."
	become_root "$packages"

	say "asking apt for its packages"
	apt_get update || say "apt-get update failed; going on with the packages that apt knows of"
	packages=$(missing_tools "$@")
	[ "$PG_CONFIG" ] || packages="$packages $(missing_postgres)" || { explained=1; exit 1; }
	packages=$(echo $packages)

	if [[ $packages =~ postgresql-[0-9] ]]; then
		no_cluster=/etc/postgresql-common/createcluster.d/finance.$$.conf
		$sudo mkdir -p "${no_cluster%/*}"
		echo 'create_main_cluster = false' | $sudo tee "$no_cluster" >/dev/null
	fi
	say "installing $packages"
	apt_get install --no-install-recommends $packages || {
		tail -n 20 "$work/apt.log" >&2
		fail "apt-get could not install $packages: see to the network and to /etc/apt, then run this again."
	}
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
}

# Go to live in a directory: the temporary one, or one in it.
move_in() {
	work=$1
	export HOME=$work TMPDIR=$work/tmp
	as_user mkdir -p "$work"/{tmp,socket,postgres}
	cd "$work"
}

# Copy the PostgreSQL installation, so that only this run sees what it
# installs.  The server finds its files from where its program lies, so
# programs are copied; what they read may be linked.
copy_postgres() {
	local bin lib share include root=$work/postgres program

	installed_config=${installed_config:-$PG_CONFIG}
	PG_CONFIG=$installed_config
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
	as_user rm -f "$root$lib/bitcode"
	as_user mkdir "$root$lib/bitcode"
	[ ! -e "$lib/bitcode" ] || as_user ln -s "$lib"/bitcode/* "$root$lib/bitcode/"
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
	as_user rm -f "$root$lib"/{finance.so,bitcode/finance,bitcode/finance.index.bc} \
		"$root$share"/extension/finance{.control,--*,-books*--*}

	PG_CONFIG=$root$bin/pg_config
	export PG_CONFIG PATH=$root$bin:$PATH
}

# Copy the tree, without what earlier builds left in it: copy_tree DIRECTORY.
# The tree may be read-only and somebody else's; the copy is ours.
copy_tree() {
	local version

	version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$top/finance.control")
	mkdir -p "$1"
	(set -o pipefail && tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude=./results --exclude=./output_iso --exclude='./tmp_check*' \
		--exclude="./src/finance--$version.sql" --exclude="./src/finance-books*--$version.sql" -cf - . |
		tar -C "$1" --no-same-owner -xf -) ||
		fail "$top could not be copied to $work: see the lines above, then run this again as a user who may read all of it."
	[ -z "$run_user" ] || chown -R "$run_user" "$1"
	as_user chmod -R u+rwX "$1"
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
	choose_user
	say "using $("$PG_CONFIG" --version)"
	move_in "$work"
	copy_postgres
	copy_tree "$work/tree"
}

# ---------------------------------------------------------------------------
# server
# ---------------------------------------------------------------------------

# Make a server that listens on a Unix socket in our directory and nowhere
# else: make_server SETTING...
make_server() {
	say "starting a throw-away server"
	as_user rm -rf "$work/data"
	logged initdb "the server's files could not be made: see the lines above." \
		as_user initdb --pgdata="$work/data" --username="$superuser" --auth=trust \
		"${initdb_options[@]}" --no-sync
	printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work/socket'" \
		"port = 5432" "$@" | as_user tee -a "$work/data/postgresql.conf" >/dev/null
	export PGHOST=$work/socket PGPORT=5432 PGUSER="$superuser" PGDATABASE=postgres
}

# Start that server: start_server VARIABLE=VALUE..., for its environment.
start_server() {
	as_user env "$@" pg_ctl --pgdata="$work/data" --log="$work/server.log" \
		--timeout=180 --wait start >"$work/start.log" 2>&1 && return
	tail -n 20 "$work/start.log" "$work/server.log" >&2 || true
	fail "the server did not start: see the lines above."
}

# Stop our server; the only one in that directory.
stop_server() {
	[ ! -e "$work/data/postmaster.pid" ] ||
		as_user pg_ctl --pgdata="$work/data" --mode="${1:-immediate}" --timeout=180 \
			--wait stop >/dev/null 2>&1 || true
}

# Stop every server whose files are in our directory, tests' own ones too.
stop_servers() {
	local file

	find "$work" -name postmaster.pid 2>/dev/null | while IFS= read -r file; do
		as_user "$("$PG_CONFIG" --bindir)/pg_ctl" --pgdata="${file%/*}" --mode=immediate --timeout=180 \
			--wait stop >/dev/null 2>&1 || true
	done
}

# ---------------------------------------------------------------------------
# side by side
# ---------------------------------------------------------------------------

# Run functions, one after the other, beside what follows, as a process group of
# their own; on a machine with one processor, before it: beside FUNCTION...
beside() {
	local step

	set -m
	(
		set +m
		for step; do
			"$step"
		done
	) &
	set +m
	lanes+="$! "
	[ "$(nproc)" -gt 1 ] || join
}

# Wait for what runs beside us.  What gave up has said why, and we do so too.
join() {
	local lane

	for lane in $lanes; do
		wait "$lane" || { explained=1 && exit 1; }
	done
	lanes=
}

# Does a process of this group live?  One that nobody waits for does not.
lives() {
	grep -qsE "^[0-9]+ \(.*\) [^ZX] [0-9]+ $1 " /proc/[0-9]*/stat
}

# End what runs beside us, with all that it has started.
end_lanes() {
	local lane tenths

	for lane in $lanes; do
		kill -TERM -- "-$lane" 2>/dev/null || true
	done
	for lane in $lanes; do
		for tenths in {1..100}; do
			lives "$lane" || continue 2
			sleep 0.1
		done
		kill -KILL -- "-$lane" 2>/dev/null || true
	done
}
