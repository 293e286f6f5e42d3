// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// The table keeps pace with the code: each mutant still has something to break,
// and a test that could notice.
func TestMutantsFitTheCode(t *testing.T) {
	promises, names := map[string]bool{}, map[string]bool{}
	for _, m := range all() {
		promises[m.promise] = true
		if names[m.name] {
			t.Errorf("there are two mutants of the name %q", m.name)
		}
		names[m.name] = true
		broken, err := m.apply(testenv.Root())
		if err != nil {
			t.Errorf("%s %s: %v", m.promise, m.name, err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.file, broken, 0); err != nil {
			t.Errorf("%s %s: %v", m.promise, m.name, err)
		}
		for _, test := range strings.Split(m.tests, "|") {
			if test, _, _ = strings.Cut(test, "/"); !hasTest(t, m.testsIn(), test) {
				t.Errorf("%s %s: %s has no test %s", m.promise, m.name, m.testsIn(), test)
			}
		}
	}
	for n := 1; n <= 8; n++ {
		if promise := fmt.Sprintf("P%d", n); !promises[promise] {
			t.Errorf("no mutant breaks %s", promise)
		}
	}
}

func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Root(), pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^func ` + name)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if declared.Match(text) {
			return true
		}
	}
	return false
}

func TestApplyWantsOnePlace(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "file.go"), []byte("once twice twice"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := (mutant{file: "file.go", before: "once", after: "changed"}).apply(root); err != nil || string(got) != "changed twice twice" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, before := range []string{"twice", "never"} {
		if got, err := (mutant{file: "file.go", before: before}).apply(root); err == nil {
			t.Errorf("%q was changed to %q", before, got)
		}
	}
}

// Only a test that failed has caught a mutant.
func TestJudge(t *testing.T) {
	ended := errors.New("exit status 1")
	for name, tt := range map[string]struct {
		output  string
		ended   error
		verdict string
		err     bool
	}{
		"all pass":       {output: "ok  \tpkg\t1.2s\n", verdict: survived},
		"a test fails":   {output: "--- FAIL: TestOne (0.1s)\n    --- FAIL: TestOne/sub (0.1s)\nFAIL\nFAIL\tpkg\t1.2s\nFAIL\n", ended: ended, verdict: "TestOne"},
		"the log leaks":  {output: "PASS\nthe log shows a prompt\nFAIL\tpkg\t1.2s\nFAIL\n", ended: ended, verdict: "the log shows a prompt"},
		"no such test":   {output: "ok  \tpkg\t1.2s [no tests to run]\n", err: true},
		"does not build": {output: "./file.go:1: undefined: x\nFAIL\tpkg [build failed]\nFAIL\n", ended: ended, err: true},
		"hangs":          {output: "panic: test timed out after 5m0s\nFAIL\tpkg\t300.0s\nFAIL\n", ended: ended, err: true},
		"panics":         {output: "--- FAIL: TestOne (0.1s)\npanic: nil\nFAIL\tpkg\t1.2s\nFAIL\n", ended: ended, err: true},
		"no API server":  {output: "no such file\nFAIL\tpkg\t0.1s\nFAIL\n", ended: ended, err: true},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, err := judge(tt.output, tt.ended)
			if verdict != tt.verdict || (err != nil) != tt.err {
				t.Errorf("judge gives %q, %v", verdict, err)
			}
		})
	}
}
