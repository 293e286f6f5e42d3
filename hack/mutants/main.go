// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command mutants shows that the tests can fail: it breaks each promise of
// docs/reliability.md on purpose, one break at a time, and runs tests that have
// to notice. The working tree is not touched: the compiler gets the broken file
// as an overlay.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

func main() {
	only := flag.String("run", "", "try only the mutants whose promise and name match this regular expression, such as P1")
	every := flag.Int("every", 1, "try only one in this many of them, the same each time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, max(*every, 1)); err != nil {
		fmt.Fprintln(os.Stderr, "mutants: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, every int) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	caught, ran := 0, 0
	for i, m := range all() {
		if i%every != 0 || !wanted.MatchString(m.promise+" "+m.name) {
			continue
		}
		began := time.Now()
		verdict, err := m.try(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		ran++
		switch {
		case err != nil:
			verdict = "UNKNOWN: " + err.Error()
		case verdict == survived:
			verdict = "SURVIVED: the tests would not notice such a change"
		default:
			caught++
			verdict = "caught by " + verdict
		}
		fmt.Printf("%s  %-58s %3.0f s  %s\n", m.promise, m.name, time.Since(began).Seconds(), verdict)
	}
	fmt.Printf("%d of %d mutants were caught\n", caught, ran)
	switch {
	case ran == 0:
		return fmt.Errorf("no mutant matches %q", only)
	case caught < ran:
		return fmt.Errorf("%d mutants were not caught", ran-caught)
	default:
		return nil
	}
}

// survived is the verdict on a mutant that no test noticed. Any other verdict
// says what did.
const survived = ""

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	// leak is what a package says whose tests all pass, but whose log does not.
	leak          = regexp.MustCompile(`(?m)^the log shows .*`)
	failedPackage = regexp.MustCompile(`(?m)^FAIL\s+\S+\s+[\d.]+s$`)
)

// try runs the tests of the mutant on the broken code.
func (m mutant) try(ctx context.Context) (verdict string, err error) {
	broken, err := m.apply(testenv.Root())
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	overlay, err := writeOverlay(dir, filepath.Join(testenv.Root(), m.file), broken)
	if err != nil {
		return "", err
	}
	test := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-ldflags=-s -w", "-failfast", "-timeout", "2m", "-run", m.tests, "./"+m.testsIn()) //nolint:gosec // from the table
	test.Dir = testenv.Root()
	output, err := test.CombinedOutput()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return judge(string(output), err)
}

// judge reads the end of go test. A mutant counts as caught when a test says so,
// and not when it does not compile, panics or does not come to an end. The last
// two leave an API server behind.
func judge(output string, ended error) (verdict string, err error) {
	switch {
	case ended == nil && strings.Contains(output, "[no tests to run]"):
		return "", errors.New("there is no such test")
	case ended == nil:
		return survived, nil
	case !failedPackage.MatchString(output), strings.Contains(output, "panic: "):
		return "", fmt.Errorf("the tests did not come to an end of their own: %w\n%s", ended, firstLines(output))
	}
	if failed := failedTest.FindStringSubmatch(output); failed != nil {
		return failed[1], nil
	}
	if said := leak.FindString(output); said != "" {
		return said, nil
	}
	return "", fmt.Errorf("the tests failed without saying why:\n%s", firstLines(output))
}

// firstLines are the lines that say what went wrong. The stacks of a package that
// hangs come after them.
func firstLines(output string) string {
	lines := strings.SplitAfterN(output, "\n", 21)
	return strings.Join(lines[:min(len(lines), 20)], "")
}

// writeOverlay writes the file for go's -overlay flag: it has the compiler read the
// text instead of the file.
func writeOverlay(dir, file string, text []byte) (path string, err error) {
	replacement := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(replacement, text, 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: replacement}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}
