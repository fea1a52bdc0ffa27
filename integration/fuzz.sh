#!/bin/sh
# fuzz.sh SECONDS [MODULE]: fuzzes every target of a module for so many seconds in all. Each gets a short round; the rest of the
# time is for those whose last round still covered something new, or was too short to tell. Corpora last in .cache/fuzz, so the next
# run goes on where this one ended. An input that fails is written by Go to testdata/fuzz of its package: commit it with the fix.
set -eu
total=${1:?seconds in all}
cd "${2:-$(dirname "$0")/..}"
mkdir -p .cache/fuzz
work=$(pwd)/.cache/fuzz
failed=0
enough=1000 # inputs, after which a round without anything new tells something

# targets prints "directory:name" for each target of the module.
targets() {
	go list -f '{{.Dir}}' ./... | while read -r dir; do
		grep -hEo '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sed "s|^func |$dir:|"
	done
}

# key names a target in file names.
key() { echo "${1#"$(pwd)"/}" | tr / -; }

# fuzz runs one target for so many seconds and leaves in new how many inputs covered something new, in tried how many there were.
fuzz() {
	dir=${1%:*} name=${1##*:} code=0
	binary=$work/$(key "$dir").test corpus=$work/$(key "$1") log=$work/$(key "$1").log
	(cd "$dir" && exec timeout $(($2 + 120)) "$binary" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$2s" \
		-test.fuzzminimizetime 1s -test.fuzzcachedir "$corpus") >"$log" 2>&1 || code=$?
	new=$(sed -n 's/^fuzz: .*new interesting: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
	new=${new:-0}
	tried=$(sed -n 's/^fuzz: .*, execs: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
	tried=${tried:-0}
	echo "$(key "$1") ${2}s: $tried inputs, $new new"
	# Package testing may take the end of its own time for a failure; no input is to blame then.
	if [ "$code" -ne 0 ] && { grep -Eq 'Failing input|panic:|hung' "$log" || ! grep -q 'context deadline exceeded' "$log"; }; then
		grep -v '^fuzz: ' "$log"
		failed=1 new=0 tried=$enough
	fi
}

live=$(targets)
for dir in $(echo "$live" | sed 's/:[^:]*$//' | sort -u); do
	go test -c -fuzz=Fuzz -o "$work/$(key "$dir").test" "$dir"
done
round=$((total / 2 / $(echo "$live" | wc -l)))
[ "$round" -gt 0 ] || round=1
while [ -n "$live" ] && [ "$total" -gt 0 ]; do
	more=
	for t in $live; do
		[ "$total" -gt 0 ] || break
		[ "$round" -le "$total" ] || round=$total
		fuzz "$t" "$round"
		total=$((total - round))
		[ "$new" -eq 0 ] && [ "$tried" -ge "$enough" ] || more="$more $t"
	done
	live=$(echo "$more" | xargs -n 1)
	[ -z "$live" ] || round=$((total / 2 / $(echo "$live" | wc -l) + round / 2 + 1))
done
exit "$failed"
