// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// A video without its sound is paid for like any other, so it is said.
func TestAVideoWithoutSound(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("silent", prompt("[sim:audio=false]"))
	w.create("loud")
	w.run(time.Hour)
	silent := w.wantReady("silent", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	loud := w.wantReady("loud", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	said := 0
	for _, e := range w.events {
		if strings.HasPrefix(e, "Warning WithoutSound ") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it was said %d times in %q, want once", said, w.events)
	}
	for _, vg := range []*v1alpha1.VideoGeneration{silent, loud} {
		if vg.Status.Videos[0].Seed == nil {
			t.Errorf("the seed of %s is not said", vg.Name)
		}
	}
}

// A larger version is asked for by the place that the video has among the results
// of KIE.AI, also when one before it cannot be used.
func TestAnUpgradeIsAskedForByPlace(t *testing.T) {
	for _, resolution := range []v1alpha1.Resolution{v1alpha1.Resolution1080p, v1alpha1.Resolution4K} {
		t.Run(string(resolution), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/record-info"):
					answer := httptest.NewRecorder()
					serve.ServeHTTP(answer, r)
					rw.Header().Set("Content-Type", "application/json")
					_, _ = rw.Write(bytes.Replace(answer.Body.Bytes(), []byte(`"resultUrls":[`), []byte(`"resultUrls":["not a URL",`), 1))
				case strings.HasSuffix(r.URL.Path, "-video"):
					serve.ServeHTTP(rw, movedToFront(t, r))
				default:
					serve.ServeHTTP(rw, r)
				}
			}
			w.create("video", fixture.In(resolution))
			w.run(2 * time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if len(vg.Status.Videos) != 2 || vg.Status.Videos[1].Index != 1 {
				t.Errorf("the videos are %+v", vg.Status.Videos)
			}
		})
	}
}

// movedToFront is a request for the larger version of the second video, as the
// simulator understands it, which makes one video only.
func movedToFront(t *testing.T, r *http.Request) *http.Request {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	query, inBody := r.URL.Query(), bytes.Contains(body, []byte(`"index":1`))
	if query.Get("index") != "1" && !inBody {
		t.Errorf("%s asks for %q and %q, want index 1", r.URL.Path, r.URL.RawQuery, body)
	}
	moved := r.Clone(r.Context())
	if !inBody {
		query.Set("index", "0")
		moved.URL.RawQuery = query.Encode()
	}
	body = bytes.Replace(body, []byte(`"index":1`), []byte(`"index":0`), 1)
	moved.Body, moved.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return moved
}
