#!/bin/sh
# Takes this node over for cni-shim, from a clone or from a release: gets the program, checks it, and lets it install itself.
set -eu

usage() {
	cat <<'USAGE'
usage: ./install.sh [--binary FILE] [--dry-run] [OPTION…]

Takes this node over: builds cni-shim from this clone, or takes a release's program, and runs its install command,
which says what it will do and what stands against it.

  --binary FILE   take this program, out of a release: its checksum is verified with the file SHA256SUMS beside it.
                  Default: cni-shim beside this script, which is verified as well; in a clone it is built (needs Go),
                  or bin/cni-shim is taken as it is
  --without-verification
                  install although the checksum cannot be verified: SHA256SUMS is missing or does not name the
                  program, or there is no program to compute it. One that does not match is refused all the same
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
verification=yes
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
	--without-verification) verification='' ;;
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

# unverified WHY stops, unless that is wanted.
unverified() {
	[ -z "$verification" ] || fail "$1; --without-verification installs it all the same"
	echo "install.sh: $1; it is installed all the same" >&2
}

# digest prints the SHA-256 of its input, in lower case.
digest() {
	if command -v sha256sum >/dev/null 2>&1; then
		sha256sum
	elif command -v shasum >/dev/null 2>&1; then
		shasum -a 256
	elif command -v openssl >/dev/null 2>&1; then
		openssl dgst -sha256 -r
	fi | cut -d ' ' -f 1 | tr 'A-F' 'a-f'
}

# expected FILE prints the checksums that SHA256SUMS beside it gives for its name, each once.
expected() {
	name=$(basename -- "$1") awk '
		{ sub(/\r$/, "") }
		tolower($1) ~ /^[0-9a-f]+$/ && length($1) == 64 {
			name = substr($0, index($0, $1) + 64)
			sub(/^ [ *]/, "", name)
			sub(/^\.\//, "", name)
			sum = tolower($1)
			if (name == ENVIRON["name"] && !(sum in seen)) { seen[sum] = 1; print sum }
		}' "$(dirname -- "$1")/SHA256SUMS"
}

# verify FILE compares its checksum with that in SHA256SUMS beside it.
verify() {
	sums=$(dirname -- "$1")/SHA256SUMS
	if [ ! -f "$sums" ] || [ ! -r "$sums" ]; then
		unverified "$1 cannot be verified: there is no SHA256SUMS beside it, which every release has"
		return
	fi
	want=$(expected "$1")
	case $want in
	'')
		unverified "$1 cannot be verified: $sums does not name it (a release's program keeps its name)"
		return
		;;
	*"
"*) fail "$1 cannot be verified: $sums names it with different checksums" ;;
	esac
	got=$(digest <"$1")
	if [ -z "$got" ]; then
		unverified "$1 cannot be verified: there is neither sha256sum nor shasum nor openssl"
		return
	fi
	[ "$got" = "$want" ] || fail "$1: its checksum is $got, and SHA256SUMS says $want"
}

built=''
if [ -z "$binary" ]; then
	if [ -f "$here/go.mod" ] && [ -d "$here/plugin" ]; then
		command -v go >/dev/null 2>&1 || [ -x "$here/bin/cni-shim" ] || fail "this clone has no bin/cni-shim, and there is no Go to build it: name a release's program with --binary"
		if command -v go >/dev/null 2>&1; then
			make -s -C "$here" build || fail "the build failed"
		fi
		binary=$here/bin/cni-shim
		built=yes
	elif [ -f "$here/cni-shim" ]; then
		binary=$here/cni-shim
	else
		fail "there is neither a clone nor a program beside $0: name one with --binary"
	fi
fi
[ -f "$binary" ] || fail "$binary: no such file"
binary=$(absolute "$binary")
[ -n "$built" ] || verify "$binary"
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
