// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kie-operator/kie-operator/internal/fixture"
)

// waitsFor is a candidate of a namespace, so many seconds older than the epoch.
func waitsFor(namespace, name string, age int, priority int32) candidate {
	return candidate{
		uid: types.UID(namespace + "/" + name), created: fixture.Epoch.Add(-time.Duration(age) * time.Second), priority: priority,
		name: types.NamespacedName{Namespace: namespace, Name: name},
	}
}

func TestInTurn(t *testing.T) {
	for _, tt := range []struct {
		reason string
		queue  []candidate
		busy   map[string]int
		want   []string
	}{
		{
			reason: "within a namespace the oldest goes first",
			queue:  []candidate{waitsFor("a", "young", 1, 0), waitsFor("a", "old", 3, 0), waitsFor("a", "middle", 2, 0)},
			want:   []string{"a/old", "a/middle", "a/young"},
		},
		{
			reason: "within a namespace the highest priority goes first, then the oldest",
			queue:  []candidate{waitsFor("a", "old", 9, 0), waitsFor("a", "urgent", 1, 10), waitsFor("a", "urgent-old", 2, 10), waitsFor("a", "idle", 10, -1)},
			want:   []string{"a/urgent-old", "a/urgent", "a/old", "a/idle"},
		},
		{
			reason: "namespaces take turns, whoever came first begins",
			queue:  []candidate{waitsFor("a", "1", 9, 0), waitsFor("a", "2", 8, 0), waitsFor("a", "3", 7, 0), waitsFor("b", "1", 2, 0), waitsFor("b", "2", 1, 0)},
			want:   []string{"a/1", "b/1", "a/2", "b/2", "a/3"},
		},
		{
			reason: "a priority does not reach beyond its namespace",
			queue:  []candidate{waitsFor("a", "1", 9, 1000), waitsFor("a", "2", 8, 1000), waitsFor("b", "1", 2, 0)},
			want:   []string{"a/1", "b/1", "a/2"},
		},
		{
			reason: "a namespace with videos at work lets the others catch up",
			queue:  []candidate{waitsFor("a", "1", 9, 0), waitsFor("b", "1", 3, 0), waitsFor("b", "2", 2, 0), waitsFor("b", "3", 1, 0)},
			busy:   map[string]int{"a": 2},
			want:   []string{"b/1", "b/2", "a/1", "b/3"},
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			inTurn(tt.queue, tt.busy)
			var got []string
			for _, c := range tt.queue {
				got = append(got, c.name.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the order (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever the ages and priorities, a namespace with k videos in the queue has
// bought them all after k turns of each namespace: it waits for no more than k
// of any other.
func TestNoNamespaceStarves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var queue []candidate
		sizes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 6).Draw(t, "sizes")
		for n, size := range sizes {
			for i := range size {
				queue = append(queue, waitsFor(fmt.Sprintf("ns-%d", n), fmt.Sprint(i),
					rapid.IntRange(0, 1000).Draw(t, "age"), int32(rapid.IntRange(-1000, 1000).Draw(t, "priority"))))
			}
		}
		inTurn(queue, nil)
		seen := map[string]int{}
		for _, c := range queue {
			seen[c.name.Namespace]++
			for n, size := range sizes {
				other := fmt.Sprintf("ns-%d", n)
				if mine := seen[c.name.Namespace]; seen[other] < size && seen[other] < mine-1 {
					t.Fatalf("%s has had %d turns, %s only %d of %d", c.name.Namespace, mine, other, seen[other], size)
				}
			}
		}
	})
}
