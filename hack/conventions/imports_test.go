// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kie-operator/kie-operator/"

// mayImport lists, for each package that the operator consists of, the packages of
// this project that it may import. A package that is not here may not be imported
// by one that is.
var mayImport = map[string][]string{
	"cmd/manager": {"api/v1alpha1", "controllers", "internal/callback", "internal/credentials", "internal/version"},

	"controllers": {
		"api/v1alpha1", "controllers/account", "controllers/generation", "controllers/storage", "internal/accounts", "internal/admission",
		"internal/bucket", "internal/credentials", "internal/fetch", "internal/kie", "internal/report",
	},
	"controllers/generation": {
		"api/v1alpha1", "internal/accounts", "internal/admission", "internal/attempt", "internal/byname", "internal/credentials", "internal/credits",
		"internal/fetch", "internal/kie", "internal/kie/veo", "internal/report", "internal/state", "internal/watch",
	},
	"controllers/storage": {
		"api/v1alpha1", "internal/accounts", "internal/bucket", "internal/byname", "internal/credentials", "internal/fetch", "internal/kie",
		"internal/report", "internal/state", "internal/transfer", "internal/watch",
	},
	"controllers/account": {
		"api/v1alpha1", "internal/accounts", "internal/admission", "internal/byname", "internal/credentials", "internal/credits", "internal/kie",
		"internal/report", "internal/state", "internal/watch",
	},

	"internal/watch":     {},
	"internal/report":    {"api/v1alpha1", "internal/credits", "internal/kie", "internal/state", "internal/transfer", "internal/version"},
	"internal/admission": {"api/v1alpha1", "internal/accounts", "internal/credits", "internal/kie", "internal/state"},
	"internal/accounts":  {"api/v1alpha1", "internal/credits", "internal/kie", "internal/kie/veo", "internal/state"},
	"internal/state":     {"api/v1alpha1", "internal/kie"},

	"internal/callback":    {"api/v1alpha1", "internal/attempt", "internal/credentials", "internal/kie", "internal/listen"},
	"internal/credentials": {"api/v1alpha1"},
	"internal/kie":         {"internal/credits", "internal/kie/decode", "internal/version"},
	"internal/kie/decode":  {"internal/credits"},
	"internal/kie/veo":     {"internal/credits", "internal/kie", "internal/kie/decode"},
	"internal/fetch":       {"internal/egress", "internal/mp4", "internal/transfer"},
	"internal/bucket":      {"internal/egress", "internal/transfer"},
	"internal/mp4":         {"internal/transfer"},
	"internal/egress":      {"internal/version"},
	"internal/transfer":    {},
	"internal/credits":     {},
	"internal/attempt":     {},
	"internal/byname":      {},
	"internal/listen":      {},
	"internal/version":     {},
	"api/v1alpha1":         {},
}

// forbidden lists packages that some of ours must not import, not even indirectly.
var forbidden = []struct {
	who   []string
	never []string
	why   string
}{
	{
		[]string{"internal/state", "internal/accounts", "internal/admission"},
		[]string{"sigs.k8s.io/controller-runtime/pkg/manager", "sigs.k8s.io/controller-runtime/pkg/reconcile", "k8s.io/client-go/tools/events", "net/http/httptest"},
		"only decides, and has no effects",
	},
	{
		[]string{
			"internal/kie", "internal/kie/veo", "internal/fetch", "internal/bucket", "internal/mp4", "internal/egress", "internal/transfer", "internal/listen",
			"internal/attempt", "internal/version",
		},
		[]string{"k8s.io/client-go/rest", "sigs.k8s.io/controller-runtime/pkg/client"},
		"knows no Kubernetes",
	},
}

// listed is what go list says about a package.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

func packages(t *testing.T) map[string]listed {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Deps", "./cmd/manager")
	list.Dir = root()
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func TestImports(t *testing.T) {
	found := map[string]bool{}
	for path, p := range packages(t) {
		name, own := strings.CutPrefix(path, module)
		if !own {
			continue
		}
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("%s has no place in the architecture: add it to docs/architecture.md and to this table", name)
		}
		found[name] = true
		for _, imported := range p.Imports {
			if short, own := strings.CutPrefix(imported, module); own && !slices.Contains(allowed, short) {
				t.Errorf("%s imports %s: see docs/architecture.md for what may import what", name, short)
			}
		}
	}
	for name := range mayImport {
		if !found[name] {
			t.Errorf("there is no %s in the operator any more: take it out of this table", name)
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	all := packages(t)
	for _, s := range forbidden {
		for _, who := range s.who {
			for _, never := range s.never {
				if slices.Contains(all[module+who].Deps, never) {
					t.Errorf("%s %s, and imports %s, directly or not", who, s.why, never)
				}
			}
		}
	}
}
