// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credentials"
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
	case !state.WantsLinks(l.vg) || l.account == nil:
		return false, nil
	case now.Before(l.known.linksAt):
		l.requeueBy(l.known.linksAt)
		return false, nil
	}
	secrets, err := r.Credentials.Get(ctx, l.account)
	if problem := (*credentials.Error)(nil); errors.As(err, &problem) {
		// Ready says nothing of it: the video is made, and its links can wait.
		l.known.linksAt = now.Add(state.PollEveryWithout)
		l.requeueBy(l.known.linksAt)
		return false, nil
	} else if err != nil {
		return false, err
	}
	endpoint := accounts.Endpoint(l.account, secrets.APIKey)
	links := make([]string, len(l.vg.Status.Videos))
	for i, video := range l.vg.Status.Videos {
		link, err := r.KIE.DownloadURL(ctx, endpoint, video.URL)
		var refusal *kie.Error
		switch {
		case err == nil:
			links[i] = link
		case ctx.Err() != nil || !errors.As(err, &refusal):
			return true, fmt.Errorf("asking for a fresh link: %w", err)
		case state.FailureReasons[refusal.Class] != "" || refusal.Class == kie.NotFound:
			r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, report.ReasonNoFreshLink, report.ActionReconcile, "KIE.AI gives no fresh link to video %d: %s", i+1, refusal.Message)
		default:
			// Nothing is written before all links are there: each write would be a reason to look again at once.
			l.known.linksAt = now.Add(state.PollEveryWithout)
			l.requeueBy(l.known.linksAt)
			return false, nil
		}
	}
	expires := metav1.NewTime(now.Add(downloadURLLifetime)).Rfc3339Copy()
	for i, link := range links {
		if link != "" {
			l.vg.Status.Videos[i].DownloadURL, l.vg.Status.Videos[i].DownloadURLExpiresAt = link, &expires
		}
	}
	l.vg.Status.RefreshedLinks = state.RefreshToken(l.vg)
	return false, nil
}
