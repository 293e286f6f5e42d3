// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package version says which build of the project a program is.
package version

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// The linker sets them, with -ldflags "-X PACKAGE.release=v0.1.0"; see the Makefile.
var (
	// release is the version of a release, such as v0.1.0.
	release string
	// commit is the git commit, with -dirty behind it if the working tree had changes. Without it, what the compiler
	// has recorded of the repository is used.
	commit string
)

// development is the version of a build that is not a release.
const development = "devel"

// dirty is the suffix of the commit if the working tree had changes.
const dirty = "-dirty"

// commitLength is how much of a commit is shown: it is unique in any repository.
const commitLength = 12

// Build is what is known of a build.
type Build struct {
	// Version is that of the release, or devel.
	Version string
	// Commit is the beginning of the git commit, with -dirty if the working tree had changes; empty if the build does
	// not know it, as in tests.
	Commit string
	// GoVersion is that of the compiler, such as go1.26.0.
	GoVersion string
}

// Get returns the build of this program.
func Get() Build {
	info, _ := debug.ReadBuildInfo()
	return of(release, commit, info)
}

func of(release, commit string, info *debug.BuildInfo) Build {
	b := Build{Version: release, Commit: shortened(commit)}
	if b.Version == "" {
		b.Version = development
	}
	if info == nil {
		return b
	}
	b.GoVersion = info.GoVersion
	if b.Commit != "" {
		return b
	}
	settings := map[string]string{}
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	revision := settings["vcs.revision"]
	if revision != "" && settings["vcs.modified"] == "true" {
		revision += dirty
	}
	b.Commit = shortened(revision)
	return b
}

// shortened is the beginning of a commit, with -dirty if it has that.
func shortened(commit string) string {
	hash, changed := strings.CutSuffix(commit, dirty)
	hash = hash[:min(len(hash), commitLength)]
	if changed {
		hash += dirty
	}
	return hash
}

// String is the build for people: v0.1.0 (commit 1a2b3c4d5e6f, go1.26.0).
func (b Build) String() string {
	var details []string
	if b.Commit != "" {
		details = append(details, "commit "+b.Commit)
	}
	if b.GoVersion != "" {
		details = append(details, b.GoVersion)
	}
	if len(details) == 0 {
		return b.Version
	}
	return fmt.Sprintf("%s (%s)", b.Version, strings.Join(details, ", "))
}

// UserAgent is the User-Agent of the programs, such as kie-operator/v0.1.0.
func UserAgent() string { return "kie-operator/" + Get().Version }
