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

// reasons are the values of the constants Reason... of a package.
func reasons(t *testing.T, of ...string) []string {
	t.Helper()
	files := sources(t, of...)
	var all []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(), file), nil, 0)
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
	all := reasons(t, "api", "v1alpha1")
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

// Whoever meets an Event finds its reason in the reference of the API.
func TestEveryEventIsInThePages(t *testing.T) {
	all := reasons(t, "internal", "report")
	if len(all) < 10 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	reference := read(t, "docs", "spec", "v1alpha1", "videogeneration.md")
	for _, reason := range all {
		if row := regexp.MustCompile("(?m)^\\| `" + reason + "`"); !row.MatchString(reference) {
			t.Errorf("the table of Events has no row for `%s`", reason)
		}
	}
	literal := regexp.MustCompile(`Eventf\([^"\n]*"[A-Z][A-Za-z]+",`)
	for _, folder := range [][]string{{"controllers"}, {"controllers", "account"}, {"controllers", "generation"}, {"controllers", "storage"}, {"internal", "report"}} {
		for _, file := range sources(t, folder...) {
			if found := literal.FindString(read(t, file)); found != "" && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s: %s: the reason belongs to the constants of internal/report", file, found)
			}
		}
	}
}

// sources are the Go files of a folder, as paths from the root.
func sources(t *testing.T, folder ...string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(append(append([]string{root()}, folder...), "*.go")...))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v has no files: %v", folder, err)
	}
	for i, file := range files {
		if files[i], err = filepath.Rel(root(), file); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root()}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
