# cni-shim: see README.md. Everything that is built lands in bin/ and .cache/.
SHELL      := /bin/sh
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS    := -s -w -X github.com/cni-shim/cni-shim/pkg/cli.Version=$(VERSION)
GO_BUILD   := CGO_ENABLED=0 go build -trimpath
CACHE      := $(CURDIR)/.cache
PLUGINS    := github.com/containernetworking/plugins/plugins
FUZZTIME   ?= 3s
TIMES      ?= 10
UPDATE     ?=
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: help build demo test unit integration lab lab-shell test-runtimes soak fuzz cover docs lint setup clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary, bin/cni-shim
	$(GO_BUILD) -ldflags '$(LDFLAGS)' -o bin/cni-shim ./plugin

demo: setup build ## play the story in private namespaces: a comma, a chain that works, a plugin that is gone
	@mkdir -p $(CACHE)/demo && cp bin/cni-shim $(CACHE)/demo/
	@cd integration && $(GO_BUILD) -ldflags '-s -w' -o $(CACHE)/demo/ github.com/containernetworking/cni/cnitool \
		$(PLUGINS)/main/bridge $(PLUGINS)/ipam/host-local $(PLUGINS)/meta/portmap
	@sh integration/demo.sh $(CACHE)/demo

test: setup lint unit fuzz integration ## everything that CI runs

unit: ## tests of packages, of the binary's weight and of its face
	go test -race ./...

integration: ## real plugins, namespaces, journald (root)
	cd integration && go vet ./... && go test -count=1 -timeout 10m ./...

lab: setup ## a node with containerd and the shim, in namespaces of its own: a pod comes and goes, a comma stops it (root)
	@sh integration/setup.sh runtimes
	@cd integration/runtimes && go run ./lab

lab-shell: setup ## a shell on such a node (root)
	@sh integration/setup.sh runtimes
	@cd integration/runtimes && go run ./lab bash --norc

test-runtimes: setup ## the shim under containerd, crictl, critest, podman, Multus and CRI-O's calls (root); UPDATE=-update writes docs/runtimes.md
	@sh integration/setup.sh runtimes
	cd integration/runtimes && go vet ./... && go test -count=1 -parallel 4 -timeout 20m . $(UPDATE)

soak: setup ## unit and integration tests TIMES in a row, with the race detector (root)
	go test -race -count=$(TIMES) ./...
	cd integration && go test -race -count=$(TIMES) -timeout 4h ./...

docs: ## make the generated pages anew: reasons, rules, catalog, what faults say (root)
	go test ./pkg/failure ./pkg/rules -run 'TestGenerated|TestDocs' -update
	cd integration && go test -count=1 -run 'TestGauntlet$$' . -update

fuzz: ## each fuzz target for FUZZTIME
	@for t in failure/FuzzClassify jsondoc/FuzzExplain chain/FuzzLoadFile report/FuzzClean config/FuzzParse attachment/FuzzParse status/FuzzParse delegate/FuzzUsable delegate/FuzzOutput; do \
		go test ./pkg/$${t%/*} -run '^$$' -fuzz "^$${t#*/}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s || exit 1; \
	done

cover: setup ## how much of each package unit and integration tests run together (root)
	@rm -rf $(CACHE)/cover && mkdir -p $(CACHE)/cover
	@go test -cover -coverpkg=./pkg/...,./plugin ./... -args -test.gocoverdir=$(CACHE)/cover >/dev/null
	@cd integration && GOCOVERDIR=$(CACHE)/cover go test -count=1 ./... >/dev/null
	@go tool covdata percent -i=$(CACHE)/cover | sort

lint: ## gofmt, vet, staticcheck, which package may import which
	@test -z "$$(gofmt -l pkg plugin integration)" || { gofmt -l pkg plugin integration; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

setup: ## install what a fresh Debian lacks: journald, iproute2, iptables, nftables (root)
	@sh integration/setup.sh

clean: ## remove what was built
	rm -rf bin .cache
