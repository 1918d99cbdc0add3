# Everything a person or a machine does with this tree is a target here: `make help` lists them.
#
# Needed: Go (the version go.mod asks for, or newer) and make. The race detector also needs a C compiler; without
# one the tests run without it and say so. Flags of your own go into GOFLAGS, as with every Go program.

GO      ?= go
BINARY  := bin/ecs-autoscaler
ENGINE  ?= docker

# The linter is part of the result, so its version is, too.
GOLANGCI_VERSION := 2.15.0
GOLANGCI_MODULE  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# Where the tree is the root of a git checkout, the version names its commit and the date is the commit's, not the
# clock's: the same commit gives the same bytes. A tree unpacked inside somebody else's checkout is not that commit,
# hence the question for the prefix. Each of the three can be given from outside: make build VERSION=1.2.3.
IN_GIT  := $(shell p=$$(git rev-parse --show-prefix 2>/dev/null) && test -z "$$p" && git rev-parse HEAD >/dev/null 2>&1 && echo yes)
ifeq ($(IN_GIT),yes)
VERSION ?= $(shell git describe --tags --always --dirty --abbrev=12)
COMMIT  ?= $(shell git rev-parse HEAD)
DATE    ?= $(shell TZ=UTC git show -s --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ HEAD)
endif
VERSION ?= dev
COMMIT  ?= unknown
DATE    ?= unknown

LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

# How long `make fuzz` spends on each fuzz target, how often `make kill-loop` kills, and what is handed on to `make demo`.
FUZZTIME ?= 10s
KILLS    ?= 400
ARGS     ?=

# How many simulated service-years `make soak` lives through, and from which seed on.
YEARS ?= 1
SEED  ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: build ## the daemon against a simulated AWS region, two minutes (ARGS="--speed 720")
	@exec ./$(BINARY) demo $(ARGS)

.PHONY: build
build: check-go ## the static binary, bin/ecs-autoscaler
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags "$(LDFLAGS)" -o $(BINARY) ./cmd/ecs-autoscaler

# Race reports are failures of the tests. The detector is C code, so it cannot run where cgo cannot.
.PHONY: test
test: check-go ## all tests, with the race detector
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ]; then race=-race; else race=; \
		echo "make test: WITHOUT the race detector, it needs cgo and there is no C compiler (Debian: apt-get install gcc libc6-dev)" >&2; fi; \
	set -x; $(GO) test $$race ./...

# The same tests as against the simulated region, against a DynamoDB that others wrote. dynalite does not do: it knows no
# transactions (TransactWriteItems), and the fence is one. MOTO=... names another command, DYNAMODB=URL a server that runs already.
MOTO     ?= moto_server
DYNAMODB ?=

.PHONY: test-dynamodb
test-dynamodb: check-go ## the tests of the state in DynamoDB against moto_server, some minutes (DYNAMODB=URL: another server)
	@set -e; url="$(DYNAMODB)"; log=$$(mktemp); server=; trap 'test -z "$$server" || kill "$$server"; rm -f "$$log"' EXIT; \
	if [ -z "$$url" ]; then \
		command -v $(MOTO) >/dev/null || { echo "make test-dynamodb: $(MOTO) not found: install it (pip install 'moto[server]'), or name a DynamoDB with DYNAMODB=http://127.0.0.1:8000" >&2; exit 1; }; \
		$(MOTO) -H 127.0.0.1 -p 0 >"$$log" 2>&1 & server=$$!; \
		for i in $$(seq 100); do url=$$(sed -n 's/.*Running on \(http:[^ ]*\).*/\1/p' "$$log"); test -z "$$url" || break; \
			kill -0 "$$server" 2>/dev/null || break; sleep 0.2; done; \
		test -n "$$url" || { echo "make test-dynamodb: $(MOTO) did not start:" >&2; cat "$$log" >&2; exit 1; }; \
	fi; \
	set -x; ECS_AUTOSCALER_TEST_DYNAMODB="$$url" $(GO) test -count=1 -timeout 20m -v -run '^(TestBackend|TestSharedBackend|TestInit.*|TestOpen.*)$$' ./store/dynamo

.PHONY: fuzz
fuzz: check-go ## every fuzz target for a short while (FUZZTIME=10s)
	@set -e; pkgs=$$($(GO) list ./...); for pkg in $$pkgs; do \
		listed=$$($(GO) test -list '^Fuzz' "$$pkg"); \
		for target in $$(printf '%s\n' "$$listed" | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"; \
		done; \
	done

# One process and one core; run it again with another SEED beside it to use more of them. The collector waits longer than usual,
# which a third of the time goes into otherwise.
.PHONY: soak
soak: check-go ## a deterministic fault test: YEARS=1 simulated service-years of trouble from SEED=1 on (docs/soak.md)
	@mkdir -p bin
	$(GO) test -c -o bin/soak.test ./internal/soak
	@cd internal/soak && GOMAXPROCS=1 GOGC=$${GOGC:-400} exec ../../bin/soak.test -test.run '^TestSoak$$' -test.timeout 0 -soak.seed $(SEED) -soak.years $(YEARS) $(ARGS)

# Real processes: the daemon is killed with SIGKILL, restarted, and its file and the region's records are compared.
.PHONY: kill-loop
kill-loop: build ## kill the daemon at random moments and check that nothing is lost (KILLS=400)
	$(GO) run ./internal/killloop -binary $(BINARY) -kills $(KILLS)

# The old figures stay until the new ones are complete.
.PHONY: bench
bench: check-go ## measure, and write docs/benchmarks.md
	@mkdir -p bin docs
	$(GO) run ./internal/bench > bin/benchmarks.md
	mv bin/benchmarks.md docs/benchmarks.md

# A test that fails is named by the last line, with the case that it belongs to.
.PHONY: conformance
conformance: check-go ## docs/conformance.md made of the tests, and each of its cases run
	@mkdir -p bin
	$(GO) run ./internal/conformance
	$(GO) test -json ./... > bin/conformance.json || true
	$(GO) run ./internal/conformance -ran bin/conformance.json

# A linter of the right version, built by the Go at hand, is used wherever it is found; one that an older Go built
# refuses newer language versions. Otherwise it is built once into bin/tools, from source through GOPROXY.
GOLANGCI = $$(for c in bin/tools/golangci-lint "$$(command -v golangci-lint)" "$$($(GO) env GOPATH)/bin/golangci-lint"; do \
	test -x "$$c" && case "$$($$c version 2>/dev/null)" in "golangci-lint has version $(GOLANGCI_VERSION) built with $$($(GO) env GOVERSION) "*) echo "$$c"; exit;; esac; \
	done)

.PHONY: tools
tools: check-go
	@if [ -z "$(GOLANGCI)" ]; then echo "make: building golangci-lint $(GOLANGCI_VERSION) into bin/tools (once, some minutes)" >&2; \
		GOBIN="$(CURDIR)/bin/tools" $(GO) install $(GOLANGCI_MODULE)@v$(GOLANGCI_VERSION); fi

.PHONY: lint
lint: tools ## golangci-lint with .golangci.yml: style, mistakes, and the walls between the packages
	@linter="$(GOLANGCI)"; test -n "$$linter" || { echo "make lint: golangci-lint $(GOLANGCI_VERSION) was installed but does not answer with that version" >&2; exit 1; }; \
	set -x; "$$linter" run ./...

.PHONY: fmt
fmt: tools ## format all Go code
	@linter="$(GOLANGCI)"; set -x; "$$linter" fmt

.PHONY: image
image: ## the container image ecs-autoscaler:VERSION (ENGINE=docker, podman or buildah)
	$(ENGINE) build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) -t ecs-autoscaler:$(VERSION) .

.PHONY: clean
clean: ## remove what the other targets made, the linter too
	rm -rf bin dist

# An older Go with GOTOOLCHAIN=auto fetches the right one by itself, and then `go env GOVERSION` names that one.
.PHONY: check-go
check-go:
	@need=$$(awk '$$1 == "go" {print $$2}' go.mod); \
	command -v $(GO) >/dev/null || { echo "make: $(GO) not found: install Go $$need or newer, or name it with GO=/path/to/go" >&2; exit 1; }; \
	have=$$($(GO) env GOVERSION) || have=$$(cd / && $(GO) env GOVERSION) || exit 1; \
	awk -v need="$$need" -v have="$$have" 'BEGIN { sub(/^.*go/, "", have); split(need, n, /[^0-9]+/); split(have, h, /[^0-9]+/); \
		for (i = 1; i <= 3; i++) if (n[i] + 0 != h[i] + 0) exit n[i] + 0 > h[i] + 0 }' || { \
		echo "make: this is $$have, but go.mod needs Go $$need: install it, or let Go fetch it (go env -w GOTOOLCHAIN=auto)" >&2; exit 1; }
