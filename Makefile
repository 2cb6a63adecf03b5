# Everything a developer needs. Go, Node 20.19 or newer, and for some tests Java with Maven
# and Chromium; `make test` installs the last where it may.

export CGO_ENABLED := 0
GO      ?= go
NPM     ?= npm
BIN     := build/bin
LINT    := $(BIN)/golangci-lint
LINTVER := v2.15.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ARGS    ?=
CYCLES  ?= 200

.PHONY: run build binary front dev test test-go test-web test-ferret test-kafka test-s3 test-mail test-e2e bench fixtures crash lint fmt types clean

## run: build everything and start it, with customers on every written channel
run: build metasim
	bash deploy/demo/run.sh $(ARGS)

## build: front ends and the binary
build: front binary

binary:
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o build/parley ./cmd/parley

front: web/app/node_modules/.stamp web/widget/node_modules/.stamp
	cd web/app && $(NPM) run build
	cd web/widget && $(NPM) run build
	$(GO) run ./web/pack

%/node_modules/.stamp: %/package-lock.json
	cd $* && $(NPM) ci --no-audit --no-fund
	touch $@

## dev: the server and the front ends, each rebuilt when its files change
dev: web/app/node_modules/.stamp web/widget/node_modules/.stamp front
	$(GO) run ./cmd/parleydev

## test: every test there is
test: test-go test-metasim test-web test-ferret test-kafka test-s3 test-mail test-e2e

test-go:
	CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...

## metasim: the simulator of Meta's Graph API, a module of its own
.PHONY: metasim test-metasim
metasim:
	cd channels/instagram/metasim && $(GO) build -trimpath -ldflags "-s -w" -o $(CURDIR)/build/metasim .

test-metasim:
	cd channels/instagram/metasim && CGO_ENABLED=1 $(GO) test -race -timeout 5m ./...

test-web: web/app/node_modules/.stamp web/widget/node_modules/.stamp
	cd web/app && $(NPM) run check
	cd web/widget && $(NPM) run check

## test-ferret: the store's suite against an outside oracle (MongoDB's protocol, in process)
test-ferret:
	cd internal/store/ferrettest && $(GO) test -timeout 15m ./...

## test-kafka: the bus's suite against a real Apache Kafka, fetched by Maven
test-kafka:
	bash deploy/kafka/test.sh

## test-s3: the file store's suite against a real S3 server, installed into build/bin
test-s3:
	bash deploy/s3/test.sh

## test-mail: the mail adapter against real Dovecot and Postfix, from Debian
test-mail:
	bash deploy/mail/test.sh

## test-e2e: browsers against the real binary
test-e2e: build metasim web/e2e/node_modules/.stamp chromium
	cd web/app && $(NPM) run smoke
	cd web/e2e && $(NPM) test

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk) || \
		{ echo "the browser tests need chromium: install it and try again" >&2; exit 1; }

## bench: the performance figures, as a table and as build/bench.json
bench: build
	$(GO) build -trimpath -o build/parleybench ./cmd/parleybench
	./build/parleybench bench -bin build/parley -json build/bench.json $(ARGS)

## fixtures: real-world bodies, mails and replies; the last line is JSON
fixtures:
	$(GO) run ./cmd/parleyfixtures -strict $(ARGS)

## crash: kill the process under load, again and again, and compare. CYCLES=n
crash: binary
	$(GO) build -trimpath -o build/parleybench ./cmd/parleybench
	./build/parleybench crash -bin build/parley -cycles $(CYCLES) $(ARGS)

## lint: Go, TypeScript, and that generated files are fresh
lint: $(LINT) web/app/node_modules/.stamp web/widget/node_modules/.stamp web/e2e/node_modules/.stamp
	$(LINT) run ./...
	cd web/app && $(NPM) run lint
	cd web/widget && $(NPM) run lint
	cd web/e2e && $(NPM) run lint
	$(MAKE) --no-print-directory types-check

$(LINT):
	GOBIN=$(CURDIR)/$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTVER)

fmt: $(LINT)
	$(LINT) fmt ./...
	cd web/app && $(NPM) run fmt
	cd web/widget && $(NPM) run fmt
	cd web/e2e && $(NPM) run fmt

## types: the TypeScript types of the API, from its description
types:
	$(GO) run ./web/api/typescript -out web/app/src/api/types.gen.ts

types-check:
	$(GO) run ./web/api/typescript -out web/app/src/api/types.gen.ts -check

clean:
	rm -rf build web/app/dist web/widget/dist web/dist/app web/dist/widget web/dist/demo
