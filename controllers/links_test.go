// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"io"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

func TestLinks(t *testing.T) {
	ask := func(token string) func(*v1alpha1.VideoGeneration) {
		return func(vg *v1alpha1.VideoGeneration) {
			metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationRefreshLinks, token)
		}
	}
	t.Run("each value once", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:link-for=1m] [sim:1080p-link-for=1m]"))
		w.run(time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		for _, video := range vg.Status.Videos {
			if !video.ExpiresAt.Time.Equal(vg.Status.Task.SubmittedAt.Add(14 * 24 * time.Hour)) {
				t.Errorf("the video expires at %s, want 14 days after its purchase at %s", video.ExpiresAt, vg.Status.Task.SubmittedAt)
			}
		}
		w.update("video", ask("1"))
		w.pass(2 * time.Minute)
		vg = w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		for i, video := range vg.Status.Videos {
			if video.DownloadURL == "" || video.DownloadURL == video.URL || !video.DownloadURLExpiresAt.After(w.clock.Now()) {
				t.Fatalf("video %d has the fresh link %q until %s", i, video.DownloadURL, video.DownloadURLExpiresAt)
			}
			resp, err := http.Get(video.DownloadURL)
			w.must(err)
			bytes, err := io.Copy(io.Discard, resp.Body)
			w.must(err)
			w.must(resp.Body.Close())
			if resp.StatusCode != http.StatusOK || bytes == 0 {
				t.Errorf("the fresh link of video %d answers %d with %d bytes", i, resp.StatusCode, bytes)
			}
		}
		requests := w.sim.State().Requests["download-url"]
		w.pass(time.Hour)
		w.restart()
		w.pass(time.Hour)
		if now := w.sim.State().Requests["download-url"]; now != requests || requests != 2 {
			t.Errorf("KIE.AI was asked for links %d times, then %d; want twice in all", requests, now)
		}
		w.update("video", ask("2"))
		w.pass(0)
		if now := w.sim.State().Requests["download-url"]; now != 4 {
			t.Errorf("KIE.AI was asked for links %d times, want twice more for another value", now)
		}
	})
	t.Run("of a video that KIE.AI has deleted", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video")
		w.run(time.Hour)
		w.clock.SetTime(w.clock.Now().Add(15 * 24 * time.Hour))
		w.update("video", ask("1"))
		w.run(time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if vg.Status.RefreshedLinks == "" {
			t.Error("the request is still open")
		}
	})
	t.Run("while the upgrade is held back", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution4K))
		w.pass(time.Second)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.run(time.Hour)
		w.update("video", ask("1"))
		w.run(time.Hour)
		vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
		if vg.Status.Videos[0].DownloadURL == "" {
			t.Error("there is no fresh link")
		}
	})
	t.Run("before there is a video", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", ask("1"))
		w.run(time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if vg.Status.Videos[0].DownloadURL == "" {
			t.Error("there is no fresh link")
		}
	})
}

// Fresh links that come for one video only are no reason to ask without a pause.
func TestLinksForSomeVideosOnly(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", fixture.In(v1alpha1.Resolution1080p))
	w.run(time.Hour)
	vg := w.get("video")
	before := vg.DeepCopy()
	vg.Status.Videos[1].URL = "https://elsewhere.example/v.mp4"
	w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationRefreshLinks, "1")
	})
	writes := w.faults.writes.Load()
	w.run(time.Hour)
	if n := w.faults.writes.Load() - writes; n != 1 {
		t.Errorf("the status was written %d times, want once", n)
	}
	if asked := w.sim.State().Requests["download-url"]; asked != 2 {
		t.Errorf("KIE.AI was asked %d times, want once for each video", asked)
	}
}
