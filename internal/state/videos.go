// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// maxVideos is the limit of the API on the list of videos.
const maxVideos = 16

// FirstVideos are the first videos of a list, as many as a status holds.
func FirstVideos(videos []v1alpha1.Video) []v1alpha1.Video {
	return videos[:min(len(videos), maxVideos)]
}

// VideosOf lists the videos of a finished task. Of an extension it is the whole film.
func VideosOf(record kie.Record, task *v1alpha1.Task) []v1alpha1.Video {
	urls := record.ResultURLs
	if len(record.FullResultURLs) > 0 && task.Operation != v1alpha1.OperationGenerate {
		urls = record.FullResultURLs
	}
	made := task.SubmittedAt.Time
	for _, at := range []time.Time{record.CreatedAt, record.CompletedAt} {
		if !at.IsZero() && at.Before(made) {
			made = at // an adopted task is older than its adoption
		}
	}
	expires := metav1.NewTime(made.Add(VideoLifetime)).Rfc3339Copy()
	var videos []v1alpha1.Video
	for i, url := range urls[:min(len(urls), maxVideos)] {
		if url == "" {
			continue
		}
		video := v1alpha1.Video{URL: url, Index: int32(i), Resolution: record.Resolution, ExpiresAt: &expires}
		if i < len(record.OriginURLs) {
			video.OriginURL = record.OriginURLs[i]
		}
		if i < len(record.Seeds) {
			video.Seed = &record.Seeds[i]
		}
		if i < len(record.HasAudio) {
			video.Audio = &record.HasAudio[i]
		}
		videos = append(videos, video)
	}
	return videos
}
