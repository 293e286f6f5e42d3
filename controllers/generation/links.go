// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// downloadURLLifetime is how long a fresh link works.
const downloadURLLifetime = 20 * time.Minute

// refreshLinks gets fresh links to finished videos when the user asks for them
// with kie-operator.github.io/refresh-links, once for each new value of it.
//
// When it lets the next step go on, nothing was asked for, the links are there,
// or it comes back to try again.
func (r *Reconciler) refreshLinks(ctx context.Context, l *scope) (bool, error) {
	now := r.Clock.Now()
	switch {
	case !state.WantsLinks(l.vg) || l.asks == nil:
		return false, nil
	case now.Before(l.known.links.askAt):
		l.requeueBy(l.known.links.askAt)
		return false, nil
	}
	links := make([]string, len(l.vg.Status.Videos))
	for i, video := range l.vg.Status.Videos {
		reply, err := r.question(ctx, l.asks, func(ctx context.Context, at kie.Endpoint) (err error) {
			links[i], err = r.KIE.DownloadURL(ctx, at, video.URL)
			return err
		})
		refusal := reply.refusal
		switch {
		case err != nil:
			return true, fmt.Errorf("asking for a fresh link: %w", err)
		case reply.answered():
		case refusal != nil && (state.FailureReasons[refusal.Class] != "" || refusal.Class == kie.NotFound):
			r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonNoFreshLink, report.ActionReconcile, "KIE.AI gives no fresh link to video %d: %s", i+1, refusal.Message)
		default:
			// Ready says nothing of it: the video is made, and its links can wait. Nothing is written before all links are
			// there: each write would be a reason to look again at once.
			l.known.links.troubled(now, state.Wait{RetryAfter: state.PollEveryWithout})
			l.requeueBy(l.known.links.askAt)
			return false, nil
		}
	}
	l.known.links = conversation{}
	expires := metav1.NewTime(now.Add(downloadURLLifetime)).Rfc3339Copy()
	for i, link := range links {
		if link != "" {
			l.vg.Status.Videos[i].DownloadURL, l.vg.Status.Videos[i].DownloadURLExpiresAt = link, &expires
		}
	}
	l.vg.Status.RefreshedLinks = state.RefreshToken(l.vg)
	return false, nil
}
