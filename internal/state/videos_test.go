// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

// What KIE.AI says of each result stays with it when one before it cannot be used.
func TestAVideoKeepsWhatIsSaidOfIt(t *testing.T) {
	record := kie.Record{
		ResultURLs: []string{"", "https://files/second"},
		OriginURLs: []string{"https://files/origin-1", "https://files/origin-2"},
		Seeds:      []int32{10001, 10002},
		HasAudio:   []bool{true, false},
		Resolution: "720p",
	}
	videos := state.VideosOf(record, &v1alpha1.Task{Operation: v1alpha1.OperationGenerate})
	if len(videos) != 1 {
		t.Fatalf("the videos are %+v, want the second one", videos)
	}
	video := videos[0]
	if video.URL != "https://files/second" || video.Index != 1 || video.OriginURL != "https://files/origin-2" ||
		ptr.Deref(video.Seed, 0) != 10002 || ptr.Deref(video.Audio, true) {
		t.Errorf("the video is %+v", video)
	}
}

// KIE.AI keeps a video for 14 days from when it was made, whenever it was adopted.
func TestAVideoExpiresByItsAge(t *testing.T) {
	adopted := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name           string
		created, ended time.Time
		expires        time.Time
	}{
		{"nothing is said", time.Time{}, time.Time{}, adopted.Add(state.VideoLifetime)},
		{"both times", adopted.Add(-3 * time.Hour), adopted.Add(-2 * time.Hour), adopted.Add(-3 * time.Hour).Add(state.VideoLifetime)},
		{"the end only", time.Time{}, adopted.Add(-2 * time.Hour), adopted.Add(-2 * time.Hour).Add(state.VideoLifetime)},
		{"it ended after it was adopted", time.Time{}, adopted.Add(time.Hour), adopted.Add(state.VideoLifetime)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			record := kie.Record{ResultURLs: []string{"https://files/one"}, CreatedAt: tc.created, CompletedAt: tc.ended}
			videos := state.VideosOf(record, &v1alpha1.Task{Adopted: ptr.To(true), Operation: v1alpha1.OperationGenerate, SubmittedAt: metav1.NewTime(adopted)})
			if got := videos[0].ExpiresAt.Time; !got.Equal(tc.expires) {
				t.Errorf("it expires at %s, want %s", got, tc.expires)
			}
		})
	}
}
