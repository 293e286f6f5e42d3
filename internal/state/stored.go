// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// LastExpiry is when KIE.AI will have deleted all videos that are not stored.
func LastExpiry(vg *v1alpha1.VideoGeneration) time.Time {
	var last time.Time
	for i := range vg.Status.Videos {
		video := &vg.Status.Videos[i]
		if IsStored(video) {
			continue
		}
		expires := vg.Status.Task.SubmittedAt.Add(VideoLifetime)
		if video.ExpiresAt != nil {
			expires = video.ExpiresAt.Time
		}
		if expires.After(last) {
			last = expires
		}
	}
	return last
}

// VideoLifetime is how long KIE.AI keeps a video, and answers questions about it.
const VideoLifetime = 14 * 24 * time.Hour

// StoredURIs lists where the videos of a resource are stored.
func StoredURIs(vg *v1alpha1.VideoGeneration) []string {
	var uris []string
	for _, file := range StoredFiles(vg) {
		if file.Artifact != nil {
			uris = append(uris, file.Artifact.URI)
		}
	}
	return uris
}

// HasVideos reports whether there are finished videos, which can be stored.
func HasVideos(vg *v1alpha1.VideoGeneration) bool {
	return vg.Status.Task != nil && vg.Status.Task.State == v1alpha1.TaskSucceeded && len(vg.Status.Videos) > 0
}

// StoragePending reports whether a finished video is still to be stored.
func StoragePending(vg *v1alpha1.VideoGeneration) bool {
	return HasVideos(vg) && vg.Status.Storage != nil && vg.Status.Storage.State == v1alpha1.StorageStoring
}

// StorageUnfinished reports whether a video is not stored that should be, now or
// for ever.
func StorageUnfinished(vg *v1alpha1.VideoGeneration) bool {
	return StoragePending(vg) || (vg.Status.Storage != nil && vg.Status.Storage.State == v1alpha1.StorageFailed)
}
