// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Bought is bought: what the video is made from does not change afterwards. The
// words "is immutable" are what GitOps tools look for to make a new resource.
func TestWhatToMakeIsImmutable(t *testing.T) {
	const (
		plain  = `{prompt: fog}`
		full   = `{prompt: fog, model: veo3, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, images: [{url: "https://example.com/a.png"}], aspectRatio: "9:16", durationSeconds: 4, seed: 12345, watermark: Acme, enableTranslation: false}`
		second = `images: [{url: "https://example.com/a.png"}, {url: "https://example.com/b.png"}]`
	)
	for i, tc := range []struct {
		reason string
		spec   string
		edit   string
		fields []string
	}{
		{"another prompt is another video", plain, `{prompt: rain}`, []string{"prompt"}},
		{"another model has another price", plain, `{model: veo3}`, []string{"model"}},
		{"a model that goes away becomes the default", full, `{model: null}`, []string{"model"}},
		{"a generationType is added", plain, `{generationType: TEXT_2_VIDEO}`, []string{"generationType"}},
		{"a generationType is removed", full, `{generationType: null}`, []string{"generationType"}},
		{"a generationType is changed", full, `{generationType: REFERENCE_2_VIDEO, model: veo3_lite, durationSeconds: null}`, []string{"generationType", "model", "durationSeconds"}},
		{"an image is added", full, `{` + second + `}`, []string{"images"}},
		{"images appear", plain, `{` + second + `}`, []string{"images"}},
		{"images disappear", `{prompt: fog, ` + second + `}`, `{images: null}`, []string{"images"}},
		{"the frames are swapped", `{prompt: fog, ` + second + `}`, `{images: [{url: "https://example.com/b.png"}, {url: "https://example.com/a.png"}]}`, []string{"images"}},
		{"the video is turned", plain, `{aspectRatio: "9:16"}`, []string{"aspectRatio"}},
		{"a length is added", plain, `{durationSeconds: 8}`, []string{"durationSeconds"}},
		{"a length is changed", full, `{durationSeconds: 6}`, []string{"durationSeconds"}},
		{"a seed is added", plain, `{seed: 12345}`, []string{"seed"}},
		{"a seed is removed", full, `{seed: null}`, []string{"seed"}},
		{"a watermark is added", plain, `{watermark: Acme}`, []string{"watermark"}},
		{"a watermark is changed", full, `{watermark: Emca}`, []string{"watermark"}},
		{"a watermark is removed", full, `{watermark: null}`, []string{"watermark"}},
		{"the translation is switched off", plain, `{enableTranslation: false}`, []string{"enableTranslation"}},
		{"a switch that goes away becomes the default", full, `{enableTranslation: null}`, []string{"enableTranslation"}},
		{"the video is enlarged", plain, `{resolution: 4k}`, []string{"resolution"}},
		{"a resolution that goes away becomes the default", `{prompt: fog, resolution: 1080p}`, `{resolution: null}`, []string{"resolution"}},
		{"the video becomes an extension", plain, `{extend: {from: {name: part-1}}}`, []string{"extend"}},
		{"another video is continued", `{prompt: fog, extend: {from: {name: part-1}}}`, `{extend: {from: {name: part-2}}}`, []string{"extend"}},
		{"nothing is continued any more", `{prompt: fog, extend: {from: {name: part-1}}}`, `{extend: null}`, []string{"extend"}},
		{"an image moves", full, `{images: [{configMapKeyRef: {name: frames, key: a.png}}]}`, []string{"images"}},
		{"the fallback is switched on", plain, `{enableFallback: true}`, []string{"enableFallback"}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			name := fmt.Sprintf("immutable-%d", i)
			if err := create(t, videoGenerations, video(name, tc.spec)); err != nil {
				t.Fatal(err)
			}
			_, err := edit(t, name, tc.edit)
			var want []cause
			for _, field := range tc.fields {
				want = append(want, cause{"spec." + field, field + " is immutable: a VideoGeneration is one purchase; create another one for another video"})
			}
			checkRefused(t, err, want...)
		})
	}
}

func TestHowToRunItIsMutable(t *testing.T) {
	if err := create(t, videoGenerations, video("mutable", `{prompt: fog, images: []}`)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason string
		edit   string
	}{
		{"an account is named", `{accountRef: {name: studio, namespace: accounts}}`},
		{"another account is named", `{accountRef: {name: film, namespace: null}}`},
		{"the account is left to the operator", `{accountRef: null}`},
		{"the purchase is held back", `{suspend: true}`},
		{"the purchase goes on", `{suspend: null}`},
		{"it becomes urgent", `{priority: 10}`},
		{"it may be tried again", `{retry: {maxAttempts: 3}}`},
		{"it goes away by itself", `{ttlSecondsAfterFinished: 60}`},
		{"it stays", `{ttlSecondsAfterFinished: null, retry: null, priority: null}`},
		{"it is stored", `{storage: {url: "gs://films", credentialsSecretRef: {name: keys}}}`},
		{"it is stored elsewhere", `{storage: {url: "gs://others"}}`},
		{"it is stored where its account says", `{storage: null}`},
		{"there is more time", `{timeout: 1h30m}`},
		{"the time is the default again", `{timeout: null}`},
		{"what is there is written out", `{model: veo3_fast, aspectRatio: "16:9", enableTranslation: true, enableFallback: false}`},
		{"what is written out goes away", `{model: null, aspectRatio: null, enableTranslation: null, enableFallback: null}`},
		{"no images are no images, however it is written", `{images: null}`},
		{"and the other way around", `{images: []}`},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if _, err := edit(t, "mutable", tc.edit); err != nil {
				t.Error(err)
			}
		})
	}
}

// The status is the operator's: a user who applies one changes nothing, and the
// operator who writes one does not change the generation.
func TestStatusIsWrittenThroughItsSubresourceOnly(t *testing.T) {
	if err := create(t, videoGenerations, video("status", `{prompt: fog}`)); err != nil {
		t.Fatal(err)
	}
	status := []byte(`{"status": {"account": {"namespace": "default", "name": "default", "uid": "6cb1"}}}`)
	videos := server(t).Resource(videoGenerations).Namespace(metav1.NamespaceDefault)

	got, err := videos.Patch(t.Context(), "status", types.MergePatchType, status, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if account, found, _ := unstructured.NestedMap(got.Object, "status", "account"); found {
		t.Errorf("a user has set status.account to %v", account)
	}
	generation := got.GetGeneration()
	if got, err = videos.Patch(t.Context(), "status", types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	if uid, _, _ := unstructured.NestedString(got.Object, "status", "account", "uid"); uid != "6cb1" {
		t.Errorf("status.account.uid = %q, want 6cb1", uid)
	}
	if got.GetGeneration() != generation {
		t.Errorf("generation = %d, want it to stay %d: a status is not a new wish", got.GetGeneration(), generation)
	}
}

// An operator of a later version says words that this CRD does not know: it writes
// its status all the same, with the id of what is paid for.
func TestWordsOfALaterVersionAreStored(t *testing.T) {
	if err := create(t, videoGenerations, video("later", `{prompt: fog}`)); err != nil {
		t.Fatal(err)
	}
	videos := server(t).Resource(videoGenerations).Namespace(metav1.NamespaceDefault)
	status := []byte(`{"status": {
		"task": {"attempt": "a1", "number": 1, "submittedAt": "2026-11-23T12:00:00Z", "id": "5a1f0c3e", "state": "Paused", "operation": "Remix", "api": "Studio"},
		"upgrade": {"attempt": "a2", "resolution": "8k", "submittedAt": "2026-11-23T12:00:00Z", "state": "Paused"},
		"storage": {"state": "Paused", "url": "s3://videos"}
	}}`)
	got, err := videos.Patch(t.Context(), "later", types.MergePatchType, status, metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"id": "5a1f0c3e", "api": "Studio"} {
		if value, _, _ := unstructured.NestedString(got.Object, "status", "task", field); value != want {
			t.Errorf("status.task.%s is %q, want %q", field, value, want)
		}
	}
}

// edit changes the spec of a VideoGeneration as kubectl edit and apply do, with
// a merge patch.
func edit(t *testing.T, name, spec string) (*unstructured.Unstructured, error) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": fields(spec)})
	if err != nil {
		t.Fatal(err)
	}
	return server(t).Resource(videoGenerations).Namespace(metav1.NamespaceDefault).Patch(t.Context(), name,
		types.MergePatchType, patch, metav1.PatchOptions{FieldValidation: metav1.FieldValidationStrict})
}
