// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// durationTolerance is by how much a video may be longer or shorter than asked
// for: frames and sound are not of the same length.
const durationTolerance = 600 * time.Millisecond

// Rank orders resolutions by their names; one that is not known is 0.
func Rank(resolution string) int {
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

// RankOf is the resolution of a video, rounded to those that are sold: what its
// file has, or else what KIE.AI says.
func RankOf(video v1alpha1.Video) int {
	switch shorter := min(video.Width, video.Height); {
	case shorter <= 0:
		return Rank(video.Resolution)
	case shorter < 900:
		return Rank("720p")
	case shorter < 1600:
		return Rank("1080p")
	default:
		return Rank("4k")
	}
}

// mismatch says in what a finished video is not what was asked for. What is not
// known does not differ.
func mismatch(vg *v1alpha1.VideoGeneration) (reason, message string) {
	if task := vg.Status.Task; task == nil || task.State != v1alpha1.TaskSucceeded || UpgradePending(vg) || len(vg.Status.Videos) == 0 {
		return "", ""
	}
	video := vg.Status.Videos[0]
	asked := vg.Spec.Resolution
	if asked == "" {
		asked = v1alpha1.Resolution720p
	}
	upgradeFailed := vg.Status.Upgrade != nil && vg.Status.Upgrade.State == v1alpha1.UpgradeFailed
	if have, want := RankOf(video), Rank(string(asked)); have != 0 && have != want && !upgradeFailed {
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
