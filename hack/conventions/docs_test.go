// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tree has what pages may name: the Go files and the functions of tests; and the pages.
type tree struct {
	files map[string]bool
	tests map[string]bool
	pages map[string]string
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)

func readTree(t *testing.T) tree {
	t.Helper()
	top := root()
	all := tree{files: map[string]bool{}, tests: map[string]bool{}, pages: map[string]string{}}
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "bin" || (strings.HasPrefix(name, ".") && name != ".")):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		if strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".go") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if strings.HasSuffix(name, ".md") {
				all.pages[name] = string(text)
				return nil
			}
			all.files[name], all.files[filepath.Base(name)] = true, true
			for _, found := range testFunction.FindAllSubmatch(text, -1) {
				all.tests[string(found[1])] = true
			}
		}
		return nil
	})
	if err != nil || len(all.pages) < 5 || len(all.tests) < 100 {
		t.Fatalf("%d pages and %d tests were found: %v", len(all.pages), len(all.tests), err)
	}
	return all
}

// Every test and every Go file that a page names exists.
func TestPagesNameWhatExists(t *testing.T) {
	all := readTree(t)
	file, test := regexp.MustCompile("`([\\w/]+\\.go)`"), regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z0-9]\\w*)")
	for page, text := range all.pages {
		for _, found := range file.FindAllStringSubmatch(text, -1) {
			if !all.files[found[1]] {
				t.Errorf("%s names %s, which does not exist", page, found[1])
			}
		}
		for _, found := range test.FindAllStringSubmatch(text, -1) {
			if !all.tests[found[1]] {
				t.Errorf("%s names %s, which does not exist", page, found[1])
			}
		}
	}
}
