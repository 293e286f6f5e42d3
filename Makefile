# Everything here needs Go, make and git, and nothing else. What it builds goes
# to bin/: the tools of hack/tools to bin/tools, the Kubernetes control plane of
# hack/controlplane to bin/k8s, the S3 server of hack/s3server to bin/s3, and the
# programs of cmd/ to bin itself.

SHELL = /usr/bin/env bash -o pipefail
.SHELLFLAGS = -ec
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The image of the operator, and of the simulator.
IMG ?= kie-operator:latest
SIMULATOR_IMG ?= kie-simulator:latest
# The kubectl that install and deploy use, with its current context.
KUBECTL ?= kubectl
# Further flags of go test, such as TESTFLAGS="-race -run TestSubmit".
TESTFLAGS ?=
TEST_TIMEOUT ?= 15m
# How many tests of a package run at a time: they wait for the API server more than for the processor.
TEST_PARALLEL ?= 6
# The packages to test.
PKG ?= ./...
# How long each fuzz target runs.
FUZZTIME ?= 20s

CGO_ENABLED ?= 0

TOOLS := $(CURDIR)/bin/tools
CONTROLLER_GEN := $(TOOLS)/controller-gen
KUSTOMIZE := $(TOOLS)/kustomize
GOLANGCI_LINT := $(TOOLS)/golangci-lint

# A build of a pinned module is remembered by a stamp whose name says what it was
# built from. Time stamps of files do not matter, so a cached bin/ survives a
# fresh clone.
platform := $(subst $() ,-,$(shell go env GOHOSTOS GOHOSTARCH))
stamp = .$(1)-$(platform)-$(shell cat $(2)/go.mod $(2)/go.sum | git hash-object --stdin)
TOOLS_STAMP := bin/tools/$(call stamp,tools,hack/tools)
LINT_STAMP := bin/tools/$(call stamp,lint,hack/tools/lint)
VULN_STAMP := bin/tools/$(call stamp,vuln,hack/tools/vuln)
CONTROL_PLANE_STAMP := bin/k8s/$(call stamp,k8s,hack/controlplane)
S3_SERVER_STAMP := bin/s3/$(call stamp,s3,hack/s3server)
HOST_GO := GOOS= GOARCH= CGO_ENABLED=0 go

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"; printf "Usage: make <target> [VARIABLE=value]\n"} \
		/^[a-z0-9-]+:.*##/ {printf "  %-20s %s\n", $$1, $$2} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)}' $(MAKEFILE_LIST)

.PHONY: clean
clean: ## Remove what was built, except the control plane and the S3 server.
	rm -rf bin/tools bin/manager bin/kie-simulator bin/deploy

##@ Build

# The version of a release, such as VERSION=v0.1.0; empty for a build that is not a release.
VERSION ?=
# --version, kie_build_info and the User-Agent say both. A tree without git has no commit.
commit := $(shell git describe --match= --always --abbrev=40 --dirty 2>/dev/null)
version-package = github.com/kie-operator/kie-operator/internal/version
version-ldflags = $(if $(VERSION),-X $(version-package).release=$(VERSION)) $(if $(commit),-X $(version-package).commit=$(commit))

.PHONY: build
build: ## Build the programs of cmd/ into bin/.
	CGO_ENABLED=$(CGO_ENABLED) go build -trimpath -ldflags "-s -w $(version-ldflags)" -o bin/ ./cmd/...

.PHONY: image
image: ## Build the image of the operator as IMG.
	docker build --build-arg VERSION_LDFLAGS='$(version-ldflags)' --target manager -t $(IMG) .

.PHONY: image-simulator
image-simulator: ## Build the image of the KIE.AI simulator as SIMULATOR_IMG.
	docker build --build-arg VERSION_LDFLAGS='$(version-ldflags)' --target kie-simulator -t $(SIMULATOR_IMG) .

##@ Generate

.PHONY: generate
generate: generate-deepcopy generate-manifests ## Generate everything that is generated.

.PHONY: generate-deepcopy
generate-deepcopy: $(TOOLS_STAMP) ## Generate the DeepCopy methods of api/.
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: generate-manifests
generate-manifests: generate-crds generate-rbac ## Generate the CRDs and roles of config/.

.PHONY: generate-crds
generate-crds: $(TOOLS_STAMP) ## Generate config/crd/bases from the types of api/.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases

.PHONY: generate-rbac
generate-rbac: $(TOOLS_STAMP) ## Generate config/rbac/role.yaml from the markers of controllers/.
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:dir=config/rbac

##@ Verify

# same compares what was generated afresh (1) with what is in the tree (2) and
# says which make target (3) brings them together. Extra files in the tree count.
define same
	git --no-pager diff --no-index --exit-code $(2) $(1) || \
		{ echo "$(2) is not what make $(3) generates: run it and commit the result." >&2; exit 1; }
endef
# in-temporary-folder runs (1) with $$tmp as a new folder that is removed afterwards.
in-temporary-folder = tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; $(1)

.PHONY: verify
verify: verify-deepcopy verify-manifests verify-modules ## Check that nothing generated is out of date.

.PHONY: verify-deepcopy
verify-deepcopy: $(TOOLS_STAMP) ## Check the DeepCopy methods of api/.
	@$(call in-temporary-folder,\
		$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/... output:object:dir=$$tmp; \
		$(call same,$$tmp/zz_generated.deepcopy.go,api/v1alpha1/zz_generated.deepcopy.go,generate-deepcopy))

.PHONY: verify-manifests
verify-manifests: verify-crds verify-rbac verify-kustomize ## Check the manifests of config/.

.PHONY: verify-crds
verify-crds: $(TOOLS_STAMP) ## Check config/crd/bases.
	@$(call in-temporary-folder,\
		$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=$$tmp; \
		$(call same,$$tmp,config/crd/bases,generate-crds))

.PHONY: verify-rbac
verify-rbac: $(TOOLS_STAMP) ## Check config/rbac/role.yaml.
	@$(call in-temporary-folder,\
		$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:dir=$$tmp; \
		$(call same,$$tmp/role.yaml,config/rbac/role.yaml,generate-rbac))

.PHONY: verify-kustomize
verify-kustomize: $(TOOLS_STAMP) ## Check that every kustomization of config/ builds.
	@for file in $$(find config -name kustomization.yaml); do \
		$(KUSTOMIZE) build "$$(dirname "$$file")" >/dev/null || \
			{ echo "kustomize cannot build $$(dirname "$$file")." >&2; exit 1; }; \
	done

.PHONY: verify-modules
verify-modules: ## Check that go.mod and go.sum say what the code imports.
	@go mod tidy -diff || { echo "go.mod is not tidy: run go mod tidy and commit the result." >&2; exit 1; }

.PHONY: lint
lint: $(LINT_STAMP) ## Lint all Go code, and api/ as a Kubernetes API.
	@status=0; \
	$(GOLANGCI_LINT) run ./... || status=1; \
	$(GOLANGCI_LINT) run --config .golangci-kal.yml ./api/... || status=1; \
	exit $$status

# Where the known vulnerabilities are read from, such as VULNDB=file:///folder; empty for vuln.go.dev.
VULNDB ?=
.PHONY: vulncheck
vulncheck: $(VULN_STAMP) ## Look for known vulnerabilities that the programs can reach. It needs vuln.go.dev, or VULNDB.
	$(TOOLS)/govulncheck $(if $(VULNDB),-db $(VULNDB)) ./cmd/...

.PHONY: lint-fix
lint-fix: $(LINT_STAMP) ## Lint all Go code and fix what the linters can fix.
	$(GOLANGCI_LINT) run --fix ./...
	$(GOLANGCI_LINT) run --config .golangci-kal.yml --fix ./api/...

##@ Test

# The packages whose tests start no server: those that do ask internal/testenv for it.
quick-packages = $(shell go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | grep -v /internal/testenv | cut -d' ' -f1)
.PHONY: quick
quick: ## Check the format, vet, and run the tests that need no server: what to run after each change.
	@unformatted=$$(gofmt -l api cmd config controllers hack internal); \
		[[ -z $$unformatted ]] || { echo "not formatted, run gofmt -w on: $$unformatted" >&2; exit 1; }
	go vet ./...
	go test $(TESTFLAGS) $(quick-packages)

.PHONY: test
test: control-plane s3-server ## Run all tests on a real Kubernetes API server and a real S3 server. TESTFLAGS, PKG and TEST_TIMEOUT change how.
	go test -timeout $(TEST_TIMEOUT) -parallel $(TEST_PARALLEL) $(TESTFLAGS) $(PKG)

.PHONY: test-race
test-race: ## Run all tests with the race detector, which needs a C compiler.
	$(MAKE) test TESTFLAGS="-race $(TESTFLAGS)"

# One plan of make perturb, such as PLAN='4k/request 3 fails'; empty for more.
PLAN ?=
# Which plans make perturb runs: all, or with nothing a sample that is the same each time. See docs/reliability.md.
PERTURB ?=
.PHONY: perturb
perturb: control-plane s3-server ## Disturb each write and request of a resource's life in turn, and compare how it ends. PERTURB=all leaves no plan out, PLAN runs one.
	PERTURB='$(if $(PLAN),all,$(PERTURB))' go test -tags perturbation -timeout $(TEST_TIMEOUT) -parallel $(TEST_PARALLEL) $(TESTFLAGS) ./controllers -v \
		-run '$(if $(PLAN),TestPerturbations/^$(subst /,$$/^(undisturbed|,$(PLAN)))$$,TestPerturbations|TestEveryWriteOfLongerLivesDisturbed|TestInterferenceAtEveryStep)' | \
		grep -E '^(---|ok|FAIL|panic)|plans were run|--- FAIL|_test.go:[0-9]+: .*(the life has another end|has not disturbed|did not stay|on and on|panics|says|said|sent|paid|looked at|go on|given up)|again: make'

# How many random stories each of 6 parallel tests runs. A story has about 200 steps that find something to do.
STORIES ?= 100
# With a seed, one test runs the same stories each time.
SEED ?=
.PHONY: property
property: control-plane ## Let users, KIE.AI and faults do things in random order, and check the promises after each step.
	go test -tags perturbation -timeout 30m -parallel 6 $(TESTFLAGS) ./controllers -v -run '^TestStories$$$(if $(SEED),/^1$$)' $(if $(SEED),-rapid.seed=$(SEED)) \
		-rapid.checks=$(STORIES) -rapid.steps=340 -rapid.nofailfile | \
		grep -E '^(---|ok|FAIL|panic)|--- FAIL|steps in|\[rapid\]|To reproduce|no story had|P[0-9]: ' | grep -v 'rapid. draw'

# The mutants to try, by promise and name, such as MUTANT=P1; empty for all.
MUTANT ?=
# One in how many of them is tried.
MUTANTS_EVERY ?= 1
.PHONY: mutants
mutants: control-plane s3-server ## Break each promise on purpose, and check that a test fails. MUTANT chooses some.
	go run ./hack/mutants -run '$(MUTANT)' -every $(MUTANTS_EVERY)

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME.
	@grep -r --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' $(wildcard api cmd controllers internal) | \
	sed 's/:func /:/' | sort -u | while IFS=: read -r file target; do \
		echo "$$(dirname "$$file") $$target"; \
		go test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME); \
	done

.PHONY: proof
proof: ## Run the long tests of docs/reliability.md, except make chaos, and print their results. FUZZTIME is for each target.
	@$(MAKE) --no-print-directory --keep-going perturb property mutants fuzz PERTURB=all

.PHONY: bench
bench: control-plane s3-server ## Run all benchmarks.
	go test -timeout $(TEST_TIMEOUT) -run '^$$' -bench . -benchmem $(TESTFLAGS) $(PKG)

# How long make chaos runs, how many videos it applies in a second, and the seed of what it does; empty draws one.
CHAOS_DURATION ?= 10m
CHAOS_RATE ?= 10
CHAOS_SEED ?=
.PHONY: chaos
chaos: control-plane s3-server build ## Kill, stop and cut off the operator and its control plane under load, and compare what was paid for with what is there.
	go run ./hack/chaos --duration $(CHAOS_DURATION) --rate $(CHAOS_RATE) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED))

##@ Demo

.PHONY: demo
demo: control-plane build ## Show the operator at work on a local control plane and the simulator; no account is needed.
	go run ./hack/demo

.PHONY: demo-up
demo-up: control-plane build ## The same, and leave it running to try things out.
	go run ./hack/demo --stay

##@ Control plane

.PHONY: control-plane
control-plane: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl into bin/k8s, once.

# With KUBEBUILDER_ASSETS the binaries are there already, and nothing is built.
ifeq ($(KUBEBUILDER_ASSETS),)
control-plane: $(CONTROL_PLANE_STAMP)
endif

# The version of Kubernetes is in hack/controlplane/go.mod and nowhere else. The
# servers report the one that is linked into component-base, and kubectl's user
# agent has the one of client-go.
kube-version = $(shell sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\).*|\1|p' hack/controlplane/go.mod)
kube-version-part = $(word $(1),$(subst ., ,$(kube-version:v%=%)))
kube-ldflags = -s -w $(foreach package,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
	-X $(package).gitVersion=$(kube-version) \
	-X $(package).gitMajor=$(call kube-version-part,1) \
	-X $(package).gitMinor=$(call kube-version-part,2))

$(CONTROL_PLANE_STAMP):
	@echo "Building etcd and Kubernetes $(kube-version) into bin/k8s: 6 to 10 minutes on 2 cores the first time, cached after that."
	@mkdir -p bin/k8s && rm -f bin/k8s/.k8s-*
	@cd hack/controlplane && \
		$(HOST_GO) build -trimpath -ldflags '-s -w' -o ../../bin/k8s/etcd go.etcd.io/etcd/server/v3 && \
		$(HOST_GO) build -trimpath -ldflags '$(strip $(kube-ldflags))' -o ../../bin/k8s/ \
			k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kubectl
	@touch $@

##@ S3 server

.PHONY: s3-server
s3-server: ## Build versitygw, the S3 server that tests store videos in, into bin/s3, once.

# With KIE_TEST_S3_SERVER the server is there already, and nothing is built.
ifeq ($(KIE_TEST_S3_SERVER),)
s3-server: $(S3_SERVER_STAMP)
endif

$(S3_SERVER_STAMP):
	@echo "Building versitygw into bin/s3: 1 to 2 minutes on 2 cores the first time, cached after that."
	@mkdir -p bin/s3 && rm -f bin/s3/.s3-*
	@cd hack/s3server && $(HOST_GO) build -trimpath -ldflags '-s -w' -o ../../bin/s3/ tool
	@touch $@

##@ Deploy

.PHONY: install
install: $(TOOLS_STAMP) ## Install the CRDs into the current cluster.
	$(KUSTOMIZE) build config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: uninstall
uninstall: $(TOOLS_STAMP) ## Remove the CRDs, and with them every VideoGeneration and KieAccount.
	$(KUSTOMIZE) build config/crd | $(KUBECTL) delete --ignore-not-found -f -

.PHONY: deploy
deploy: install bin/deploy/kustomization.yaml ## Deploy the operator into the current cluster from IMG. OVERLAY=dev adds the simulator.
	$(KUBECTL) wait --for=condition=Established --timeout=1m crd/kieaccounts.kie-operator.github.io crd/videogenerations.kie-operator.github.io
	$(KUSTOMIZE) build bin/deploy | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: bin/deploy/kustomization.yaml ## Remove the operator, its CRDs, and every VideoGeneration and KieAccount.
	$(KUSTOMIZE) build bin/deploy | $(KUBECTL) delete --ignore-not-found -f -

# An overlay that sets the images, so that deploying leaves config/ as it is.
OVERLAY ?= default
.PHONY: bin/deploy/kustomization.yaml
bin/deploy/kustomization.yaml: $(TOOLS_STAMP)
	@rm -rf bin/deploy && mkdir -p bin/deploy
	@cd bin/deploy && $(KUSTOMIZE) create --resources ../../config/$(OVERLAY) && \
		$(KUSTOMIZE) edit set image kie-operator=$(IMG) kie-simulator=$(SIMULATOR_IMG)

##@ Tools

.PHONY: tools
tools: $(TOOLS_STAMP) $(LINT_STAMP) ## Build controller-gen, kustomize and golangci-lint into bin/tools.

$(TOOLS_STAMP):
	@echo "Building the tools of hack/tools into bin/tools."
	@mkdir -p bin/tools && rm -f bin/tools/.tools-*
	@cd hack/tools && $(HOST_GO) build -trimpath -ldflags '-s -w' -o $(TOOLS)/ tool
	@touch $@

$(VULN_STAMP):
	@echo "Building govulncheck into bin/tools."
	@mkdir -p bin/tools && rm -f bin/tools/.vuln-*
	@cd hack/tools/vuln && $(HOST_GO) build -trimpath -ldflags '-s -w' -o $(TOOLS)/ tool
	@touch $@

$(LINT_STAMP):
	@echo "Building golangci-lint with kube-api-linter into bin/tools: about 2 minutes on 2 cores the first time."
	@mkdir -p bin/tools && rm -f bin/tools/.lint-*
	@cd hack/tools/lint && $(HOST_GO) build -trimpath -ldflags '-s -w' -o $(GOLANGCI_LINT) sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
	@touch $@
