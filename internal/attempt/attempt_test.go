// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package attempt

import "testing"

func TestURL(t *testing.T) {
	const attempt = "q7ZkAAECAwQFBgcICQoLDA"
	for _, tc := range []struct{ base, want string }{
		{"https://hooks.example", "https://hooks.example/v1/callbacks/" + attempt},
		{"https://hooks.example/", "https://hooks.example/v1/callbacks/" + attempt},
		{"https://hooks.example:8443/kie", "https://hooks.example:8443/kie/v1/callbacks/" + attempt},
	} {
		got := URL(tc.base, attempt)
		if got != tc.want {
			t.Errorf("URL(%q) = %q, want %q", tc.base, got, tc.want)
		}
		if back, ok := FromPath(got[len(got)-len(PathPrefix)-length:]); !ok || back != attempt {
			t.Errorf("FromPath() of %q = %q, %v; want the attempt", got, back, ok)
		}
	}
}

func TestFromPathRefuses(t *testing.T) {
	const attempt = "q7ZkAAECAwQFBgcICQoLDA"
	for _, tc := range []struct{ reason, path string }{
		{"nothing", ""},
		{"another path", "/v2/callbacks/" + attempt},
		{"a prefix before the path", "/kie/v1/callbacks/" + attempt},
		{"no attempt", "/v1/callbacks/"},
		{"a query", "/v1/callbacks/" + attempt + "?a=b"},
		{"a slash at the end", "/v1/callbacks/" + attempt + "/"},
		{"an escape", "/v1/callbacks/%71" + attempt[1:]},
		{"a short attempt", "/v1/callbacks/" + attempt[1:]},
		{"a long attempt", "/v1/callbacks/" + attempt + "A"},
		{"stray bits in the last character", "/v1/callbacks/" + attempt[:21] + "B"},
		{"a line break in the attempt", "/v1/callbacks/" + attempt[:21] + "\n"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if got, ok := FromPath(tc.path); ok || (got != "" && len(got) != length) {
				t.Errorf("FromPath() = %q, %v; want none", got, ok)
			}
		})
	}
}

func TestNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		attempt := New()
		if seen[attempt] || !Valid(attempt) {
			t.Fatalf("%q was there before, or is no attempt", attempt)
		}
		seen[attempt] = true
	}
}
