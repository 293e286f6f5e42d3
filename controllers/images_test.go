// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func pngFile(t tester) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 64, 36))); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func jpegFile(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 64, 36)), nil); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func images(list ...v1alpha1.Image) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Spec.Images = list }
}

func fromConfigMap(name, key string) v1alpha1.Image {
	return v1alpha1.Image{ConfigMapKeyRef: &v1alpha1.KeyReference{Name: name, Key: key}}
}

func fromSecret(name, key string) v1alpha1.Image {
	return v1alpha1.Image{SecretKeyRef: &v1alpha1.KeyReference{Name: name, Key: key}}
}

func (w *world) configMap(name string, data map[string][]byte) {
	w.t.Helper()
	w.must(w.live.Create(w.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, BinaryData: data}))
}

// Images come from a URL, a ConfigMap and a Secret; those of the cluster are
// uploaded once, under names that depend on their contents.
func TestImages(t *testing.T) {
	w := newWorld(t, worldOptions{})
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(pngFile(t)) }))
	t.Cleanup(site.Close)
	w.configMap("frames", map[string][]byte{"a.jpg": jpegFile(t), "b.png": pngFile(t)})
	w.must(w.live.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "frames"}, Data: map[string][]byte{"c.png": pngFile(t)}}))
	w.create("frames", images(fromConfigMap("frames", "a.jpg"), fromSecret("frames", "c.png")))
	w.create("references", images(fromConfigMap("frames", "b.png"), fromSecret("frames", "c.png"), v1alpha1.Image{URL: site.URL + "/d.png"}),
		func(vg *v1alpha1.VideoGeneration) { vg.Spec.GenerationType = v1alpha1.ReferenceToVideo })
	w.run(time.Hour)
	w.wantReady("frames", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantReady("references", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
	// The PNG in the ConfigMap and the one in the Secret are the same file.
	if uploads := w.sim.State().Uploads; uploads.Count != 3 {
		t.Errorf("%d files were uploaded (%v), want 3: one for each contents of each resource", uploads.Count, uploads.Paths)
	}
}

// Whatever is wrong with an image is said before a credit is spent, and when it
// is put right the video is bought.
func TestImagesThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		image   v1alpha1.Image
		stalled bool
		says    string
		mend    func(w *world)
	}{
		{name: "no such ConfigMap", image: fromConfigMap("late", "a.png"), says: "ConfigMap late does not exist",
			mend: func(w *world) { w.configMap("late", map[string][]byte{"a.png": pngFile(t)}) }},
		{name: "no such key", image: fromConfigMap("frames", "a.png"), says: "has no key a.png", mend: func(w *world) { w.setFrame("a.png", pngFile(t)) }},
		{name: "no such Secret", image: fromSecret("late", "a.png"), says: "Secret late does not exist", mend: func(w *world) {
			w.must(w.live.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "late"}, Data: map[string][]byte{"a.png": pngFile(t)}}))
		}},
		{name: "no image", image: fromConfigMap("frames", "text"), stalled: true, says: "JPEG, PNG", mend: func(w *world) { w.setFrame("text", pngFile(t)) }},
		{name: "empty", image: fromConfigMap("frames", "empty"), stalled: true, says: "empty", mend: func(w *world) { w.setFrame("empty", pngFile(t)) }},
		{name: "cut off", image: fromConfigMap("frames", "cut"), stalled: true, says: "image 1", mend: func(w *world) { w.setFrame("cut", pngFile(t)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.configMap("frames", map[string][]byte{"text": []byte("not an image, though long enough to be one"), "empty": {}, "cut": pngFile(t)[:20]})
			w.create("video", images(tt.image))
			w.create("other")
			w.run(5 * time.Minute)
			status := metav1.ConditionUnknown
			if tt.stalled {
				status = metav1.ConditionFalse
			}
			vg := w.wantReady("video", status, v1alpha1.ReasonInvalidImage)
			if message := vg.Status.Conditions[0].Message; !strings.Contains(message, tt.says) || !strings.Contains(message, "nothing was bought") {
				t.Errorf("the message lacks %q: %s", tt.says, message)
			}
			w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			tt.mend(w)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(2)
		})
	}
}

func (w *world) setFrame(key string, data []byte) {
	w.t.Helper()
	configMap := &corev1.ConfigMap{}
	w.must(w.live.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "frames"}, configMap))
	configMap.BinaryData[key] = data
	w.must(w.live.Update(w.t.Context(), configMap))
}

// An image at a URL is looked at as well, with HEAD or with the first bytes.
func TestImagesAtURLs(t *testing.T) {
	for name, tt := range map[string]struct {
		serve   http.HandlerFunc
		stalled bool
		good    bool
	}{
		"good": {serve: func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(pngFile(t)) }, good: true},
		"without HEAD": {serve: func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				rw.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			_, _ = rw.Write(jpegFile(t))
		}, good: true},
		"a page":     {serve: func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>sign in</html>")) }, stalled: true},
		"not there":  {serve: http.NotFound, stalled: true},
		"overloaded": {serve: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			var mended atomic.Bool
			site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if mended.Load() {
					_, _ = rw.Write(pngFile(t))
					return
				}
				tt.serve(rw, r)
			}))
			t.Cleanup(site.Close)
			w.create("video", images(v1alpha1.Image{URL: site.URL + "/canary.png?token=canary-token"}))
			w.run(5 * time.Minute)
			if !tt.good {
				status := metav1.ConditionUnknown
				if tt.stalled {
					status = metav1.ConditionFalse
				}
				vg := w.wantReady("video", status, v1alpha1.ReasonInvalidImage)
				if message := vg.Status.Conditions[0].Message; strings.Contains(message, "canary-token") {
					t.Errorf("the message shows the query of the URL: %s", message)
				}
				w.wantPaid(0)
				mended.Store(true)
				w.run(time.Hour)
			}
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
		})
	}
}

// KIE.AI keeps an upload for a day: one that is older when the purchase is made
// at last is made again.
func TestAnUploadIsMadeAgainAfterADay(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.configMap("frames", map[string][]byte{"a.png": pngFile(t)})
	w.create("video", images(fromConfigMap("frames", "a.png")))
	w.sim.SetFaults(kiesim.Faults{Submit: 455})
	w.run(time.Hour)
	if uploads := w.sim.State().Uploads.Count; uploads != 1 {
		t.Errorf("the image was uploaded %d times in an hour of maintenance, want once", uploads)
	}
	w.clock.SetTime(w.clock.Now().Add(24 * time.Hour))
	w.sim.SetFaults(kiesim.Faults{})
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
	if uploads := w.sim.State().Uploads.Count; uploads != 2 {
		t.Errorf("the image was uploaded %d times, want once more after a day", uploads)
	}
}
