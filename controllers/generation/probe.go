// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// probeTimeout bounds the look into the file of a finished video.
const probeTimeout = 10 * time.Second

// probe writes down what the files of finished videos are like. It is no
// condition for success: a file that cannot be read now is there all the same.
func (r *Reconciler) probe(ctx context.Context, videos []v1alpha1.Video) {
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
