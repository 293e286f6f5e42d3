// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// probeTimeout bounds the look into the file of a finished video.
const probeTimeout = 10 * time.Second

// durationTolerance is by how much a video may be longer or shorter than asked
// for: frames and sound are not of the same length.
const durationTolerance = 600 * time.Millisecond

// probe writes down what the files of finished videos are like. It is no
// condition for success: a file that cannot be read now is there all the same.
func (r *VideoGenerationReconciler) probe(ctx context.Context, videos []v1alpha1.Video) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for i := range videos {
		facts, err := r.Fetcher.Probe(ctx, videos[i].URL)
		if err != nil {
			log.FromContext(ctx).V(1).Info("The file of the video cannot be looked into", "cause", err.Error())
			continue
		}
		videos[i].Width, videos[i].Height = int32(facts.Width), int32(facts.Height) //nolint:gosec // the probe bounds them
		if facts.Duration > 0 {
			videos[i].Duration = &metav1.Duration{Duration: facts.Duration.Round(time.Millisecond)}
		}
		videos[i].Audio = ptr.To(facts.Audio)
	}
}

// rank orders resolutions by their names; one that is not known is 0.
func rank(resolution string) int {
	switch resolution {
	case "720p":
		return 720
	case "1080p":
		return 1080
	case "4k", "4K", "2160p":
		return 2160
	default:
		return 0
	}
}

// rankOf is the resolution of a video, rounded to those that are sold: what its
// file has, or else what KIE.AI says.
func rankOf(video v1alpha1.Video) int {
	switch shorter := min(video.Width, video.Height); {
	case shorter <= 0:
		return rank(video.Resolution)
	case shorter < 900:
		return rank("720p")
	case shorter < 1600:
		return rank("1080p")
	default:
		return rank("4k")
	}
}

// mismatch says in what a finished video is not what was asked for. What is not
// known does not differ.
func mismatch(vg *v1alpha1.VideoGeneration) (reason, message string) {
	if task := vg.Status.Task; task == nil || task.State != v1alpha1.TaskSucceeded || upgradePending(vg) || len(vg.Status.Videos) == 0 {
		return "", ""
	}
	video := vg.Status.Videos[0]
	asked := vg.Spec.Resolution
	if asked == "" {
		asked = v1alpha1.Resolution720p
	}
	upgradeFailed := vg.Status.Upgrade != nil && vg.Status.Upgrade.State == v1alpha1.UpgradeFailed
	if have, want := rankOf(video), rank(string(asked)); have != 0 && have != want && !upgradeFailed {
		is := video.Resolution
		if video.Width > 0 {
			is = fmt.Sprintf("%d×%d", video.Width, video.Height)
		}
		return v1alpha1.ReasonResolutionDiffers, fmt.Sprintf("%s was asked for, and KIE.AI made %s", asked, is)
	}
	if seconds := vg.Spec.DurationSeconds; seconds != nil && video.Duration != nil {
		asked := time.Duration(*seconds) * time.Second
		if off := (video.Duration.Duration - asked).Abs(); off > durationTolerance {
			return v1alpha1.ReasonDurationDiffers, fmt.Sprintf("%s was asked for, and KIE.AI made %s", asked, video.Duration.Duration)
		}
	}
	return "", ""
}
