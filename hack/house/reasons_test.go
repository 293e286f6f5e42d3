// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package house

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

// Whoever meets a word in a condition finds in the README what it means and what
// to do.
func TestEveryReasonIsInTheReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := reasons(t)
	if len(all) < 30 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	for _, reason := range all {
		if row := regexp.MustCompile("(?m)^\\|.*`" + reason + "`"); !row.Match(readme) {
			t.Errorf("no table of the README has a row for `%s`", reason)
		}
	}
}
