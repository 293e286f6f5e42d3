// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package version

import (
	"regexp"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	const commit = "2e8ce85a1fcaaf63c96d2fb5d1d0c0c1d5a8c0ff"
	info := func(settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.0", Settings: settings}
	}
	for _, tc := range []struct {
		name, release, commit string
		info                  *debug.BuildInfo
		want                  string
	}{
		{"a release", "v0.1.0", "", info(debug.BuildSetting{Key: "vcs.revision", Value: commit}), "v0.1.0 (commit 2e8ce85a1fca, go1.26.0)"},
		{"the linker says which commit", "v0.1.0", commit, info(), "v0.1.0 (commit 2e8ce85a1fca, go1.26.0)"},
		{"the linker says that it was changed", "", commit + "-dirty", nil, "devel (commit 2e8ce85a1fca-dirty)"},
		{"of a changed tree", "", "", info(debug.BuildSetting{Key: "vcs.revision", Value: commit}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "devel (commit 2e8ce85a1fca-dirty, go1.26.0)"},
		{"of no repository", "", "", info(), "devel (go1.26.0)"},
		{"of an unknown compiler", "", "", nil, "devel"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := of(tc.release, tc.commit, tc.info).String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestThisBuild(t *testing.T) {
	if b := Get(); b.Version != development || b.GoVersion != runtime.Version() {
		t.Errorf("the build is %+v", b)
	}
	// The gateway in front of KIE.AI refuses odd names.
	if agent := UserAgent(); !regexp.MustCompile(`^kie-operator/[A-Za-z0-9.]+$`).MatchString(agent) {
		t.Errorf("the user agent is %q", agent)
	}
}
