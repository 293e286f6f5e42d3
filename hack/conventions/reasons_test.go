// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// reasons are the values of the constants Reason... of the API.
func reasons(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(), "api", "v1alpha1", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no API: %v", err)
	}
	var all []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
				reason, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, reason)
			}
			return true
		})
	}
	return all
}

// Every reason of a condition is explained in the README and in the reference of the
// API.
func TestEveryReasonIsInThePages(t *testing.T) {
	all := reasons(t)
	if len(all) < 30 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	reference := read(t, "docs", "spec", "v1alpha1", "videogeneration.md") + read(t, "docs", "spec", "v1alpha1", "kieaccount.md")
	readme := read(t, "README.md")
	for _, reason := range all {
		if row := regexp.MustCompile("(?m)^\\|.*`" + reason + "`"); !row.MatchString(readme) {
			t.Errorf("no table of the README has a row for `%s`", reason)
		}
		if !strings.Contains(reference, "`"+reason+"`") {
			t.Errorf("docs/spec/v1alpha1 does not explain `%s`", reason)
		}
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root()}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
