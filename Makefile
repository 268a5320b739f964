# `make` lists the targets. Go and git are all that is needed; conformance also uses python3.
GO     ?= go
SEEDS  ?= 100000
# of this module and version, whatever the machine has
LINTER ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
KILLS  ?= 200
WORLDS ?= 100

.DEFAULT_GOAL := help

## help: list the targets
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## run: build, then run an example workflow and show its steps live
run: build
	./bin/maestro run examples/hello.yaml
	@echo
	@echo 'Next: ./bin/maestro server --shell-enabled    then, in another terminal,'
	@echo '      ./bin/maestro push examples/hello.yaml && ./bin/maestro start hello --watch'
	@echo '      ./bin/maestro --help'

## build: build bin/maestro
build:
	$(GO) build -trimpath -o bin/maestro ./cmd/maestro

## test: all tests, and the runs recorded from the reference
test:
	$(GO) vet ./...
	$(GO) test -timeout 15m ./...
	$(MAKE) conformance

# where goroutines meet
RACED = ./internal/engine/... ./internal/instance/... ./internal/store/... ./internal/server/... ./internal/signal/... \
	./internal/trigger/... ./internal/event/... ./internal/step/... ./client/...

## test/race/ci: the packages whose goroutines meet, under the race detector
test/race/ci:
	$(GO) test -race -short -timeout 30m $(RACED)

## test/race: all tests under the race detector
test/race:
	$(GO) test -race -timeout 30m ./...

## conformance: replay the runs recorded from the reference against a server on a fresh store
conformance:
	$(GO) test ./cmd/maestro -run '^TestConformance$$' -conformance -count=1 -timeout 30m -v

## simulate: random runs on virtual time with a store that fails (SEEDS=n)
simulate:
	$(GO) test ./internal/engine -run Simulate -seeds $(SEEDS) -timeout 0 -count=1

## torture: kill -9 a loaded server again and again (KILLS=n), and others in worlds where all goes wrong (WORLDS=n)
torture:
	MAESTRO_KILLS=$(KILLS) MAESTRO_WORLDS=$(WORLDS) $(GO) test ./cmd/maestro -run Kill -timeout 0 -count=1 -v

## bench: measure a server over its API
bench: build
	./bin/maestro bench

## fuzz: a minute of each fuzz test
fuzz:
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; $(GO) test $$p -run '^$$' -fuzz "^$$f$$" -fuzztime 1m || exit 1; done; done

## mutants: break the engine on purpose, in a hundred ways; fails when no test notices one (ONLY=regexp)
mutants:
	$(GO) test -tags mutants ./internal/mutants -count=1 -timeout 0 -v -only '$(ONLY)'

## lint: golangci-lint, in the version that is named above, as .golangci.yml says
lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) run $(LINTER) run ./...

## generate: rewrite generated documents and accept transcripts; read the diff
generate:
	$(GO) test ./internal/instance ./internal/config ./spec ./param ./sel -run 'States|Markdown|Schema|Transcript' -rewrite

## store: make cmd/maestro/testdata/stores/NAME, a store that later versions must open (make store NAME=v1)
store:
	$(GO) test ./cmd/maestro -run '^TestStores$$' -make-store $(NAME)

## verify: generated documents are up to date, modules tidy
verify: generate
	$(GO) mod tidy
	git diff --exit-code

.PHONY: help run build test test/race test/race/ci conformance simulate torture bench fuzz mutants lint generate store verify
