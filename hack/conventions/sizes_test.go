// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	// mostLines is how long a function may be, comments in it included.
	mostLines = 60
	// mostOfAPackage is how many lines of code a package of reconcilers may have, without comments and empty lines.
	mostOfAPackage = 3000
)

// A function that does not fit on a screen is hard to understand.
func TestSizes(t *testing.T) {
	lines, functions := map[string]int{}, 0
	for _, name := range sourceFiles(t) {
		text, err := os.ReadFile(filepath.Join(root(), name))
		if err != nil {
			t.Fatal(err)
		}
		lines[filepath.Dir(name)] += codeLines(text)
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			functions++
			if n := set.Position(function.End()).Line - set.Position(function.Pos()).Line + 1; n > mostLines {
				t.Errorf("%s: %s has %d lines, more than %d", name, function.Name.Name, n, mostLines)
			}
		}
	}
	for folder, n := range lines {
		if strings.HasPrefix(folder, "controllers") && n > mostOfAPackage {
			t.Errorf("%s has %d lines of code, more than %d: what decides from the resource alone belongs to internal/state", folder, n, mostOfAPackage)
		}
	}
	if functions < 500 {
		t.Errorf("only %d functions were looked at", functions)
	}
}

// codeLines counts the lines that are neither empty nor a comment alone.
func codeLines(text []byte) (n int) {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && !bytes.HasPrefix(line, []byte("//")) {
			n++
		}
	}
	return n
}

// sourceFiles are the Go files of the operator, without tests and without what is
// generated.
func sourceFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"api/*/*.go", "cmd/*/*.go", "controllers/*.go", "controllers/*/*.go", "internal/*/*.go", "internal/*/*/*.go"} {
		found, err := filepath.Glob(filepath.Join(root(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			name, err := filepath.Rel(root(), path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(filepath.Base(name), "zz_generated") {
				names = append(names, name)
			}
		}
	}
	return names
}
