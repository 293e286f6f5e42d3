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

// veoVideo is a video of Veo 3.1: a new one, or more of one.
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
