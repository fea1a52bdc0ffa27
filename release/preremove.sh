#!/bin/sh
# deb: remove | upgrade VERSION | deconfigure …; rpm: the number of versions that stay. Only a removal gives the node back.
set -e
case ${1:-} in
remove | 0) cni-shim uninstall || echo 'cni-shim: something is left; see above' >&2 ;;
esac
