// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

const (
	// downloadURLLifetime is how long a fresh link works.
	downloadURLLifetime = 20 * time.Minute
	// maxRefreshToken is the limit of the API on what is remembered of the annotation.
	maxRefreshToken = 256
)

// refreshLinks gets fresh links to finished videos when the user asks for them
// with kie.ai/refresh-links, once for each new value of it.
//
// When it lets the next step go on, nothing was asked for, the links are there,
// or it comes back to try again.
func (r *VideoGenerationReconciler) refreshLinks(ctx context.Context, l *life) (bool, error) {
	if !wantsLinks(l.vg) {
		return false, nil
	}
	secrets, err := r.Credentials.Get(ctx, l.account)
	if err != nil {
		stop, err := r.withoutCredentials(l, err)
		l.comeBack(r.Clock.Now().Add(lookEveryWithout))
		return stop, err
	}
	endpoint := kie.Endpoint{BaseURL: l.account.Spec.BaseURL, APIKey: secrets.APIKey}
	for i := range l.vg.Status.Videos {
		video := &l.vg.Status.Videos[i]
		link, err := r.KIE.DownloadURL(ctx, endpoint, video.URL)
		var refusal *kie.Error
		switch {
		case err == nil:
			video.DownloadURL = link
			video.DownloadURLExpiresAt = ptr.To(metav1.NewTime(r.Clock.Now().Add(downloadURLLifetime)).Rfc3339Copy())
		case errors.As(err, &refusal) && refusal.Class == kie.Invalid:
			r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, "NoFreshLink", actionReconcile, "KIE.AI gives no fresh link to video %d: %s", i+1, refusal.Message)
		case errors.As(err, &refusal) && ctx.Err() == nil:
			r.Recorder.Eventf(l.vg, nil, corev1.EventTypeWarning, "NoFreshLink", actionReconcile, "KIE.AI gives no fresh link for the moment (%s); trying again", refusal.Class)
			l.comeBack(r.Clock.Now().Add(lookEveryWithout))
			return false, nil
		default:
			return true, fmt.Errorf("asking for a fresh link: %w", err)
		}
	}
	l.vg.Status.RefreshedLinks = refreshToken(l.vg)
	return false, nil
}

// wantsLinks reports whether fresh links are asked for that were not given yet.
func wantsLinks(vg *v1alpha1.VideoGeneration) bool {
	token := refreshToken(vg)
	return token != "" && token != vg.Status.RefreshedLinks && len(vg.Status.Videos) > 0
}

func refreshToken(vg *v1alpha1.VideoGeneration) string {
	token := []rune(vg.Annotations[v1alpha1.AnnotationRefreshLinks])
	return string(token[:min(len(token), maxRefreshToken)])
}
