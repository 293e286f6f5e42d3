// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"cmp"
	"context"
	"time"

	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/veo"
	"github.com/kie-operator/kie-operator/internal/state"
)

// veoVideo is a video of Veo 3.1: a new one, or the continuation of one.
type veoVideo struct{}

func (veoVideo) api() v1alpha1.TaskAPI { return v1alpha1.TaskAPIVeo }

func (veoVideo) price(vg *v1alpha1.VideoGeneration, prices kie.Prices) (credits.Amount, bool) {
	return accounts.PriceOf(vg, prices)
}

func (veoVideo) purchase(vg *v1alpha1.VideoGeneration, images []string, callbackURL string) kie.Purchase {
	if vg.Status.Task.Operation == v1alpha1.OperationExtend {
		return extendRequest(vg, callbackURL).Purchase()
	}
	return generateRequest(vg, images, callbackURL).Purchase()
}

func (veoVideo) record(ctx context.Context, client *kie.Client, endpoint kie.Endpoint, id string) (kie.Record, error) {
	return veo.Record(ctx, client, endpoint, id)
}

func (veoVideo) results(record kie.Record, task *v1alpha1.Task) []v1alpha1.Video {
	return state.VideosOf(record, task)
}

func (veoVideo) fail(vg *v1alpha1.VideoGeneration, record kie.Record, now time.Time) {
	state.FailRecord(vg.Status.Task, record, ptr.Deref(vg.Spec.EnableFallback, false), now)
}

func (veoVideo) neverEnlarged(vg *v1alpha1.VideoGeneration) string {
	if ptr.Deref(vg.Status.FallbackUsed, false) {
		return "KIE.AI made the video with its fallback model, and does not enlarge those; it was not asked to"
	}
	return ""
}

func (veoVideo) upgradePrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (credits.Amount, bool) {
	return accounts.UpgradePrice(vg, prices)
}

// enlarge asks once for each video that the task has made. The answer is ready
// when all of them are.
func (veoVideo) enlarge(ctx context.Context, client *kie.Client, endpoint kie.Endpoint, vg *v1alpha1.VideoGeneration, callbackURL string) (answer kie.Upgrade, err error) {
	id, resolution := vg.Status.Task.ID, vg.Status.Upgrade.Resolution
	var urls []string
	for _, video := range vg.Status.Videos {
		index := int(video.Index)
		if resolution == v1alpha1.Resolution4K {
			answer, err = veo.Upgrade4K(ctx, client, endpoint, veo.Upgrade4KRequest{TaskID: id, Index: index, CallbackURL: callbackURL})
		} else {
			answer, err = veo.Upgrade1080p(ctx, client, endpoint, id, index)
		}
		if err != nil || answer.State != kie.UpgradeReady {
			return answer, err
		}
		urls = append(urls, answer.ResultURLs...)
	}
	answer.ResultURLs = urls
	return answer, nil
}

// generateRequest asks for a new video. A larger resolution is asked for when it
// is there, so that the video in 720p, which alone can be continued, stays.
func generateRequest(vg *v1alpha1.VideoGeneration, images []string, callbackURL string) veo.GenerateRequest {
	spec := vg.Spec
	return veo.GenerateRequest{
		Prompt:            spec.Prompt,
		Model:             string(spec.Model),
		GenerationType:    string(spec.GenerationType),
		AspectRatio:       string(cmp.Or(spec.AspectRatio, v1alpha1.AspectRatioLandscape)),
		Duration:          spec.DurationSeconds,
		Seed:              spec.Seed,
		Watermark:         spec.Watermark,
		EnableTranslation: ptr.Deref(spec.EnableTranslation, true),
		EnableFallback:    ptr.Deref(spec.EnableFallback, false),
		Resolution:        string(v1alpha1.Resolution720p),
		ImageURLs:         images,
		CallbackURL:       callbackURL,
	}
}

// extendRequest asks for more of a video.
func extendRequest(vg *v1alpha1.VideoGeneration, callbackURL string) veo.ExtendRequest {
	spec := vg.Spec
	return veo.ExtendRequest{
		TaskID:      vg.Status.Source.TaskID,
		Prompt:      spec.Prompt,
		Seed:        spec.Seed,
		Model:       veo.ExtendModel(string(spec.Model)),
		Watermark:   spec.Watermark,
		CallbackURL: callbackURL,
	}
}
