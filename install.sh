#!/bin/sh
# Takes this node over for cni-shim, from a clone or from a release: gets the program, checks it, and lets it install itself.
set -eu

usage() {
	cat <<'USAGE'
usage: ./install.sh [--binary FILE] [--dry-run] [OPTION…]

Takes this node over: builds cni-shim from this clone, or takes a release's program, and runs its install command,
which says what it will do and what stands against it.

  --binary FILE   take this program: one that was built, or out of a release. Beside a file SHA256SUMS that names it,
                  its checksum is verified. Default: cni-shim or bin/cni-shim beside this script, else it is built
                  from the clone (needs Go)
  --dry-run       say what would be done, and do nothing
  --uninstall     give the node back as it was
  --help          this text

Other options go to `cni-shim install` (or `uninstall`): --conf-dir, --bin-dir, --chain, --force, -o json.

  DESTDIR=DIR     in the environment: install below DIR, a node's image or root file system
USAGE
}

fail() {
	echo "install.sh: $*" >&2
	exit 1
}

# absolute PATH prints it with its directory resolved.
absolute() {
	printf '%s/%s\n' "$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)" "$(basename -- "$1")"
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
binary=''
command=install
n=$#
while [ "$n" -gt 0 ]; do
	arg=$1
	shift
	n=$((n - 1))
	case $arg in
	--help | -h)
		usage
		exit 0
		;;
	--uninstall) command=uninstall ;;
	--binary)
		[ "$n" -gt 0 ] || fail "--binary needs a file"
		binary=$1
		shift
		n=$((n - 1))
		;;
	--binary=*) binary=${arg#--binary=} ;;
	*) set -- "$@" "$arg" ;; # for cni-shim, in their order
	esac
done

# verify FILE checks it against SHA256SUMS beside it, where that names it.
verify() {
	sums=$(dirname -- "$1")/SHA256SUMS
	[ -f "$sums" ] || return 0
	want=$(awk -v name="$(basename -- "$1")" '$2 == name || $2 == "*" name { print $1 }' "$sums")
	[ -n "$want" ] || return 0
	got=$(sha256sum -- "$1" | cut -d ' ' -f 1)
	[ "$got" = "$want" ] || fail "$1: its checksum is $got, and SHA256SUMS says $want"
}

if [ -z "$binary" ]; then
	if [ -f "$here/go.mod" ] && [ -d "$here/plugin" ]; then
		command -v go >/dev/null 2>&1 || [ -x "$here/bin/cni-shim" ] || fail "this clone has no bin/cni-shim, and there is no Go to build it: name a release's program with --binary"
		if command -v go >/dev/null 2>&1; then
			make -s -C "$here" build || fail "the build failed"
		fi
		binary=$here/bin/cni-shim
	elif [ -f "$here/cni-shim" ]; then
		binary=$here/cni-shim
	else
		fail "there is neither a clone nor a program beside $0: name one with --binary"
	fi
fi
[ -f "$binary" ] || fail "$binary: no such file"
binary=$(absolute "$binary")
verify "$binary"
if [ ! -x "$binary" ]; then
	# A download has no execute permission; it is run from a copy, so that the file stays as it is.
	copy=$(mktemp -d)
	trap 'rm -rf "$copy"' EXIT
	cp -- "$binary" "$copy/cni-shim"
	chmod 755 "$copy/cni-shim"
	binary=$copy/cni-shim
fi
"$binary" version >/dev/null 2>&1 || fail "$binary cannot be run on this machine ($(uname -m)): is it built for it?"

if [ -n "${DESTDIR:-}" ]; then
	mkdir -p -- "$DESTDIR"
	set -- --root "$(CDPATH='' cd -- "$DESTDIR" && pwd)" "$@"
elif [ "$(id -u)" != 0 ]; then
	case " $* " in
	*" --dry-run "*) ;;
	*) fail "run it as root: the node's directories belong to root" ;;
	esac
fi
"$binary" "$command" "$@"
