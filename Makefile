# cni-shim: see README.md. Everything that is built lands in bin/ and .cache/; what tests fetch from Debian lasts in CNI_SHIM_CACHE.
SHELL      := /bin/sh
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT     ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE       ?= $(shell git log -1 --format=%ct 2>/dev/null)
LDFLAGS    := -s -w -X github.com/cni-shim/cni-shim/pkg/cli.Version=$(VERSION) -X github.com/cni-shim/cni-shim/pkg/cli.Commit=$(COMMIT) -X github.com/cni-shim/cni-shim/pkg/cli.Date=$(DATE)
GO_BUILD   := CGO_ENABLED=0 go build -trimpath
CACHE      := $(CURDIR)/.cache
export CNI_SHIM_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cni-shim
PLUGINS    := github.com/containernetworking/plugins/plugins
FUZZTIME   ?= 300
TIMES      ?= 10
UPDATE     ?=
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: help build demo test test-nodes unit integration integration-long integration-short integration-more shipped test-release \
	lab lab-shell test-runtimes bench soak fuzz cover docs release image man readme lint setup clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary, bin/cni-shim
	$(GO_BUILD) -ldflags '$(LDFLAGS)' -o bin/cni-shim ./plugin

demo: setup build ## play the story in private namespaces: a comma, a chain that works, a plugin that is gone
	@mkdir -p $(CACHE)/demo && cp bin/cni-shim $(CACHE)/demo/
	@cd integration && $(GO_BUILD) -ldflags '-s -w' -o $(CACHE)/demo/ github.com/containernetworking/cni/cnitool \
		$(PLUGINS)/main/bridge $(PLUGINS)/ipam/host-local $(PLUGINS)/meta/portmap
	@sh integration/demo.sh $(CACHE)/demo

test: setup lint unit integration shipped ## what a change waits for: units, fuzz seeds, real plugins, namespaces, journald (root); 5 minutes, 10 from empty caches

test-nodes: setup test-release fuzz test-runtimes ## what takes long: the release, fuzzing, real runtimes (root); 18 minutes from empty caches

# Without cgo and paths, what lint and the integration tests compile of the standard library is the same as what the programs need.
lint integration shipped test-release: export CGO_ENABLED := 0
lint integration shipped test-release: export GOFLAGS := $(shell go env GOFLAGS) -trimpath

unit: ## tests of packages, of the binary's weight and of its face, with the race detector
	go test -race ./...
	go test -run Cost ./pkg/check # what the race detector allocates would be counted

# Integration tests mostly wait, and each test binary has namespaces of its own: those that take long run beside the others.
LONG := ^Test(Gauntlet|RealChain|Differential|ProbeLeavesNothing|Progress|KilledAtEverySystemCall|KilledInARow|Docs)$$

integration: ## real plugins, namespaces, journald (root)
	cd integration && go vet ./...
	@$(MAKE) --no-print-directory -j3 --output-sync=target integration-long integration-short integration-more

integration-long:
	cd integration && go test -count=1 -timeout 30m -run '$(LONG)' .

integration-short:
	cd integration && go test -count=1 -timeout 30m -skip '$(LONG)' .

integration-more:
	cd integration && go test -count=1 $$(go list ./... | grep -v -e '/integration$$' -e /release$$)

shipped: ## what is shipped for clusters, held to the types of Kubernetes, kustomize and Prometheus
	cd integration/kubernetes && go vet ./... && go test -count=1 ./...
	cd integration/prometheus && go vet ./... && go test -count=1 ./...

test-release: ## the release, twice; deb and rpm, the deb in a bare Debian, install.sh (root)
	cd integration && go test -count=1 -timeout 30m ./release

# From an empty cache, programs that are not optimized take a third less time; package node optimizes the shim and the plugins still.
lab lab-shell test-runtimes: export CGO_ENABLED := 0
lab lab-shell test-runtimes: export GOFLAGS := -trimpath '-gcflags=all=-N -l -dwarf=false'

lab: setup ## a node with containerd and the shim, in namespaces of its own: a pod comes and goes, a comma stops it (root)
	@cd integration/runtimes && go run ./lab

lab-shell: setup ## a shell on such a node (root)
	@cd integration/runtimes && go run ./lab bash --norc

test-runtimes: setup ## the shim under containerd, crictl, critest, podman, Multus, Whereabouts, Calico and CRI-O's calls (root); UPDATE=-update writes docs/situations.md
	cd integration/runtimes && go vet ./... && go test -count=1 -parallel 4 -timeout 60m . $(UPDATE)

bench: setup build ## what a call costs beside libcni, a bare wrapper and Multus (root); BENCHFLAGS, for a quick look: -rounds 3 -only noop1, or -only disk -calls 200
	@mkdir -p $(CACHE)/bench && cp bin/cni-shim $(CACHE)/bench/
	@cd integration && $(GO_BUILD) -ldflags '-s -w' -o $(CACHE)/bench/ ./bench/noop ./bench/wrapper ./bench/launch ./bench/floor/... ./slowdisk \
		$(PLUGINS)/main/bridge $(PLUGINS)/ipam/host-local $(PLUGINS)/meta/portmap && go build -o $(CACHE)/bench-run ./bench
	@cd integration/runtimes/multus && $(GO_BUILD) -ldflags '-s -w' -o $(CACHE)/bench/ gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus
	@echo 'int main(void){return 0;}' | cc -static -O2 -s -x c -o $(CACHE)/bench/static - 2>/dev/null || true
	@$(CACHE)/bench-run -bin $(CACHE)/bench -out bin/bench.txt $(BENCHFLAGS)

soak: setup ## unit and integration tests TIMES in a row, with the race detector (root)
	go test -race -count=$(TIMES) ./...
	cd integration && go test -race -count=$(TIMES) -timeout 4h ./...

docs: ## make the generated pages anew: reasons, rules, catalog, what faults say (root)
	go test ./pkg/failure ./pkg/rules -run 'TestGenerated|TestDocs' -update
	cd integration && go test -count=1 -run 'TestGauntlet$$' . -update

fuzz: ## every fuzz target, FUZZTIME seconds in all: a short round for each, the rest for those that still cover something new
	@sh integration/fuzz.sh $(FUZZTIME)

release: ## static programs, deb, rpm, SBOM and checksums for every architecture, in dist/; two builds are equal
	sh release/release.sh dist

image: ## the OCI image of the programs in dist/, dist/cni-shim-image.tar, without a daemon
	cd integration && go run ./image ../dist/cni-shim-image.tar $$(for f in ../dist/cni-shim-linux-*; do case $$f in *.json) ;; *) echo "$${f##*-}=$$f";; esac; done)

man: ## write the manual pages in conf/man from the commands themselves
	cd integration && go test -count=1 ./man -update

readme: ## render the terminal pictures in README.md from real runs (root)
	cd integration && go test -count=1 -run '^TestReadme$$' . -update

cover: setup ## how much of each package unit and integration tests run together (root)
	@rm -rf $(CACHE)/cover && mkdir -p $(CACHE)/cover
	@go test -cover -coverpkg=./pkg/...,./plugin ./... -args -test.gocoverdir=$(CACHE)/cover >$(CACHE)/cover.log || { cat $(CACHE)/cover.log; exit 1; }
	@cd integration && GOCOVERDIR=$(CACHE)/cover go test -count=1 ./... >$(CACHE)/cover.log || { cat $(CACHE)/cover.log; exit 1; }
	@go tool covdata percent -i=$(CACHE)/cover | sort

lint: ## gofmt, vet, staticcheck, which package may import which
	@test -z "$$(gofmt -l conf pkg plugin integration)" || { gofmt -l conf pkg plugin integration; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

setup: ## install what a fresh Debian lacks: journald, iproute2, iptables, nftables (root)
	@sh integration/setup.sh

clean: ## remove what was built
	rm -rf bin dist .cache
