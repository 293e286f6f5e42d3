// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Everything that KIE.AI makes can be asked for, in the widest reading of its
// documentation.
func TestVideoGenerationIsAccepted(t *testing.T) {
	const (
		one   = `images: [{url: "https://example.com/a.png"}]`
		two   = `images: [{url: "https://example.com/a.png"}, {url: "http://example.com:8080/b.webp?size=large#top"}]`
		three = `images: [{url: "https://example.com/a.png"}, {url: "https://example.com/b.png"}, {url: "https://[2001:db8::1]/c.png"}]`
	)
	for i, tc := range []struct {
		reason string
		spec   string
	}{
		{"a prompt is enough", `{prompt: fog}`},
		{"a prompt is in any language", `{prompt: "霧の中の灯台、カモメ、遠くの霧笛"}`},
		{"a prompt has lines and quotes", `{prompt: "A lighthouse.\nA voice: \"Ahoy!\""}`},
		{"a prompt has 5000 characters of any script", `{prompt: ` + strings.Repeat("霧", 5000) + `}`},

		{"text, best quality", `{prompt: fog, model: veo3, generationType: TEXT_2_VIDEO}`},
		{"text, fast", `{prompt: fog, model: veo3_fast, generationType: TEXT_2_VIDEO}`},
		{"text, cheapest", `{prompt: fog, model: veo3_lite, generationType: TEXT_2_VIDEO}`},
		{"text, upright", `{prompt: fog, generationType: TEXT_2_VIDEO, aspectRatio: "9:16"}`},
		{"text with an empty list of images", `{prompt: fog, generationType: TEXT_2_VIDEO, images: []}`},

		{"one image, without a type", `{prompt: fog, ` + one + `}`},
		{"two images, without a type", `{prompt: fog, ` + two + `}`},
		{"one image in its own shape, without a type", `{prompt: fog, aspectRatio: Auto, ` + one + `}`},

		{"one frame, best quality", `{prompt: fog, model: veo3, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, ` + one + `}`},
		{"two frames, cheapest", `{prompt: fog, model: veo3_lite, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, ` + two + `}`},
		{"two frames in the shape of the first", `{prompt: fog, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, aspectRatio: Auto, ` + two + `}`},
		{"two frames, upright, short", `{prompt: fog, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, aspectRatio: "9:16", durationSeconds: 4, ` + two + `}`},

		{"one reference, fast", `{prompt: fog, generationType: REFERENCE_2_VIDEO, ` + one + `}`},
		{"three references, cheapest, upright", `{prompt: fog, model: veo3_lite, generationType: REFERENCE_2_VIDEO, aspectRatio: "9:16", ` + three + `}`},
		{"a reference with the only length it has", `{prompt: fog, generationType: REFERENCE_2_VIDEO, durationSeconds: 8, ` + one + `}`},

		{"4 seconds", `{prompt: fog, durationSeconds: 4}`},
		{"6 seconds", `{prompt: fog, durationSeconds: 6}`},
		{"8 seconds", `{prompt: fog, durationSeconds: 8}`},
		{"the smallest seed", `{prompt: fog, seed: 10000}`},
		{"the largest seed", `{prompt: fog, seed: 99999}`},
		{"the longest watermark", `{prompt: fog, watermark: ` + strings.Repeat("w", 100) + `}`},
		{"a fallback", `{prompt: fog, enableFallback: true}`},
		{"no fallback, upright", `{prompt: fog, enableFallback: false, aspectRatio: "9:16"}`},
		{"no translation", `{prompt: fog, enableTranslation: false}`},

		{"1080p", `{prompt: fog, resolution: 1080p}`},
		{"4k, upright", `{prompt: fog, resolution: 4k, aspectRatio: "9:16"}`},
		{"an image in a ConfigMap and one in a Secret", `{prompt: fog, images: [{configMapKeyRef: {name: frames, key: first.png}}, {secretKeyRef: {name: frames.v2, key: last_1.webp}}]}`},
		{"an extension", `{prompt: fog, model: veo3_lite, extend: {from: {name: part-1}}, seed: 12345, watermark: Acme}`},
		{"an extension in 4k", `{prompt: fog, extend: {from: {name: part-1}}, resolution: 4k}`},
		{"the smallest priority", `{prompt: fog, priority: -1000}`},
		{"ten tries", `{prompt: fog, retry: {maxAttempts: 10}}`},
		{"deleted at once", `{prompt: fog, ttlSecondsAfterFinished: 0}`},

		{"an account in the same namespace", `{prompt: fog, accountRef: {name: studio}}`},
		{"an account elsewhere", `{prompt: fog, accountRef: {name: studio.film, namespace: accounts-1}}`},
		{"held back", `{prompt: fog, suspend: true}`},
		{"the shortest timeout", `{prompt: fog, timeout: 60s}`},
		{"the longest timeout", `{prompt: fog, timeout: 24h}`},
		{"a timeout of parts", `{prompt: fog, timeout: 1h30m0.5s}`},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if err := create(t, videoGenerations, video(fmt.Sprintf("accepted-%d", i), tc.spec)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKieAccountIsAccepted(t *testing.T) {
	for i, tc := range []struct {
		reason string
		spec   string
	}{
		{"a Secret is enough", `{credentialsSecretRef: {name: keys}}`},
		{"KIE.AI behind a proxy with a path", `{credentialsSecretRef: {name: keys}, baseURL: "https://proxy.example.com:8443/kie/"}`},
		{"a simulator", `{credentialsSecretRef: {name: keys}, baseURL: "http://kie-simulator.kie-operator-system.svc:8090"}`},
		{"for everybody", `{credentialsSecretRef: {name: keys}, allowedNamespaces: {from: All}}`},
		{"for those with a label", `{credentialsSecretRef: {name: keys}, allowedNamespaces: {from: Selector, selector: {matchLabels: {team: film}}}}`},
		{"for those with one of two labels", `{credentialsSecretRef: {name: keys}, allowedNamespaces: {from: Selector, selector: {matchExpressions: [{key: team, operator: In, values: [film, ads]}]}}}`},
		{"for itself, with nothing said", `{credentialsSecretRef: {name: keys}, allowedNamespaces: {}}`},
		{"with the smallest limits", `{credentialsSecretRef: {name: keys}, limits: {submissions: 1, window: 1s, inFlight: 1}}`},
		{"with the largest limits", `{credentialsSecretRef: {name: keys}, limits: {submissions: 1000, window: 1h, inFlight: 10000}}`},
		{"with prices of its own", `{credentialsSecretRef: {name: keys}, prices: [{model: veo3_fast, operation: Generate, credits: "80"}, {model: veo3_fast, operation: Extend, credits: "14.4"}, {model: veo3, operation: Upgrade1080p, credits: "0"}, {model: veo3, operation: Upgrade4K, credits: "100.005"}]}`},
		{"with a price of a model that is not Veo's", `{credentialsSecretRef: {name: keys}, prices: [{model: kling-3.0/video, operation: Generate, credits: "9999999.999"}, {model: suno/V5.5_pro, operation: Extend, credits: "0.001"}]}`},
		{"with no prices of its own, said with an empty list", `{credentialsSecretRef: {name: keys}, prices: []}`},
		{"with a budget for a day", `{credentialsSecretRef: {name: keys}, budget: {credits: "5000"}}`},
		{"with a budget for a week", `{credentialsSecretRef: {name: keys}, budget: {credits: "0.001", period: 168h}}`},
		{"with limits that say nothing", `{credentialsSecretRef: {name: keys}, limits: {}}`},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if err := create(t, kieAccounts, account(fmt.Sprintf("accepted-%d", i), tc.spec)); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is left out is what the documentation says it is, and stays out where
// KIE.AI decides.
func TestDefaults(t *testing.T) {
	if err := create(t, videoGenerations, video("defaults", `{prompt: fog}`)); err != nil {
		t.Fatal(err)
	}
	checkSpec(t, "VideoGeneration", `{
		prompt: fog, model: veo3_fast, enableTranslation: true, enableFallback: false,
		resolution: 720p, priority: 0, retry: {maxAttempts: 1}, timeout: 30m}`)

	if err := create(t, kieAccounts, account("defaults", `{credentialsSecretRef: {name: keys}, limits: {submissions: 5}}`)); err != nil {
		t.Fatal(err)
	}
	checkSpec(t, "KieAccount", `{
		credentialsSecretRef: {name: keys},
		baseURL: "https://api.kie.ai", uploadBaseURL: "https://kieai.redpandaai.co",
		allowedNamespaces: {from: Same},
		limits: {submissions: 5, window: 10s, inFlight: 100}}`)
}

// checkSpec checks the whole spec of the resource named defaults.
func checkSpec(t *testing.T, kind, want string) {
	t.Helper()
	resource := videoGenerations
	if kind == "KieAccount" {
		resource = kieAccounts
	}
	got, err := server(t).Resource(resource).Namespace(metav1.NamespaceDefault).Get(t.Context(), "defaults", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Numbers of the server are int64, those of YAML float64; what people see of them is the same.
	if got, want := fmt.Sprint(got.Object["spec"]), fmt.Sprint(fields(want)); got != want {
		t.Errorf("the spec of the %s is\n%s\nwant\n%s", kind, got, want)
	}
}
