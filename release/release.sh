#!/bin/sh
# Builds a release into dist/ (or $1): static programs, deb, rpm, SBOM, checksums. Two builds of a commit are byte for byte equal:
# no path, time, host or order of the machine's enters. ARCHES chooses architectures, VERSION, COMMIT and SOURCE_DATE_EPOCH replace
# what git says.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$here"
mkdir -p "${1:-dist}"
out=$(CDPATH='' cd -- "${1:-dist}" && pwd)
: "${ARCHES:=amd64 arm64 arm ppc64le s390x riscv64}"
: "${VERSION:=$(git describe --tags --always --dirty 2>/dev/null || echo devel)}"
: "${COMMIT:=$(git rev-parse HEAD 2>/dev/null || :)}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH VERSION
export LC_ALL=C TZ=UTC CGO_ENABLED=0 GOFLAGS=-buildvcs=false
umask 022

# A package's version begins with a number; what is no release sorts before all releases.
case $VERSION in
v[0-9]*) PACKAGE_VERSION=$(echo "${VERSION#v}" | sed 's/-/~/; s/-/./g') ;;
*) PACKAGE_VERSION=0.0.0~$(echo "$VERSION" | tr -c 'a-zA-Z0-9.\n' .) ;;
esac
export PACKAGE_VERSION

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tools=$here/.cache/release-tools
mkdir -p "$tools" "$stage/man" "$stage/completion"
(cd release && go build -o "$tools/" tool)

package=github.com/cni-shim/cni-shim/pkg/cli
ldflags="-s -w -buildid= -X $package.Version=$VERSION -X $package.Commit=$COMMIT -X $package.Date=$SOURCE_DATE_EPOCH"
go build -trimpath -ldflags "$ldflags" -o "$stage/cni-shim" ./plugin # for this machine, to make completions

for page in conf/man/*.1; do
	gzip -9 -n -c "$page" >"$stage/man/$(basename "$page").gz"
done
for shell in bash zsh fish; do
	"$stage/cni-shim" completion "$shell" >"$stage/completion/$shell"
done
cp conf/systemd/cni-shim-watch.service conf/systemd/cni-shim.tmpfiles conf/cni-shim.catalog LICENSE README.md CHANGELOG.md \
	release/postinstall.sh release/preremove.sh release/nfpm.yaml "$stage/"
find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

for arch in $ARCHES; do
	binary=$out/cni-shim-linux-$arch
	case $arch in
	arm) ARCH=arm7 ;;
	*) ARCH=$arch ;;
	esac
	export ARCH
	GOOS=linux GOARCH=$arch GOARM=7 go build -trimpath -ldflags "$ldflags" -o "$binary" ./plugin
	cp "$binary" "$stage/cni-shim"
	touch -d "@$SOURCE_DATE_EPOCH" "$stage/cni-shim"
	for packager in deb rpm; do
		(cd "$stage" && "$tools/nfpm" package --config nfpm.yaml --packager "$packager" --target "$out/" >log) || {
			cat "$stage/log" >&2
			exit 1
		}
	done
	"$tools/cyclonedx-gomod" bin -json -noserial -std -version "$VERSION" -output "$stage/sbom" "$binary"
	sed "s/^\( *\"timestamp\": \)\".*\"/\1\"$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)\"/" "$stage/sbom" >"$binary.cdx.json"
done
cp install.sh "$out/install.sh"
(
	cd "$out"
	rm -f SHA256SUMS
	sha256sum -- *.deb *.rpm cni-shim-linux-* install.sh >"$stage/SHA256SUMS"
	cp "$stage/SHA256SUMS" SHA256SUMS
)
cat "$out/SHA256SUMS"
