// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What the same mistake says wherever it is made.
const (
	badImageURL = "an image URL must be a full http or https address, such as https://example.com/first.png"
	badBaseURL  = "baseURL must be a plain http or https address, such as https://api.kie.ai, without user, query or fragment"
	badTimeout  = "timeout must be a time from 1m to 24h, such as 45m or 1h30m"
	badWindow   = "window must be a time from 1s to 1h, such as 10s or 1m"
	badPrice    = `credits must be a price in quotes with at most three decimals, such as "60" or "14.4", from "0" to "9999999.999"`
	badBudget   = `credits must be an amount in quotes with at most three decimals, such as "5000" or "62.5", above "0" and up to "999999999.999"; to spend nothing, set spec.suspend`
	badFrames   = "FIRST_AND_LAST_FRAMES_2_VIDEO takes 1 or 2 images: one to animate, or the first and the last frame"
)

// refusal is a resource that cannot be meant, and what the user is told.
type refusal struct {
	reason string
	spec   string
	want   []cause
}

func TestVideoGenerationIsRefused(t *testing.T) {
	const image = `{url: "https://example.com/a.png"}`
	images := func(n int) string {
		return "images: [" + strings.TrimSuffix(strings.Repeat(image+", ", n), ", ") + "]"
	}
	imageURL := func(url string) string { return fmt.Sprintf(`{prompt: fog, images: [{url: %q}]}`, url) }
	tooManyImages := cause{"spec.images", "must have at most 3 items"}

	checkRefusals(t, videoGenerations, video, []refusal{
		// The prompt.
		{"the prompt is missing", `{}`,
			[]cause{{"spec.prompt", "Required value"}, unchecked}},
		{"the prompt is empty", `{prompt: ""}`,
			[]cause{{"spec.prompt", "at least 1 chars long"}, {"spec.prompt", "prompt is blank: describe the video to make"}}},
		{"the prompt is blank", `{prompt: " \n\t"}`,
			[]cause{{"spec.prompt", "prompt is blank: describe the video to make"}}},
		{"the prompt is blank in another script", `{prompt: "\u3000\u00a0"}`,
			[]cause{{"spec.prompt", "prompt is blank: describe the video to make"}}},
		{"nothing of the prompt can be seen", `{prompt: "\u200b\u200d\ufeff"}`,
			[]cause{{"spec.prompt", "prompt is blank: describe the video to make"}}},
		{"the prompt has 100 KB", `{prompt: ` + strings.Repeat("fog ", 25<<10) + `}`,
			[]cause{{"spec.prompt", "may not be more than 5000"}, unchecked}},
		{"the prompt is a number", `{prompt: 1984}`,
			[]cause{{"spec.prompt", "must be of type string"}, unchecked}},

		// Values that do not exist.
		{"there is no such model", `{prompt: fog, model: veo2}`,
			[]cause{{"spec.model", `supported values: "veo3", "veo3_fast", "veo3_lite"`}, unchecked}},
		{"there is no such generationType", `{prompt: fog, generationType: IMAGE_2_VIDEO}`,
			[]cause{{"spec.generationType", `supported values: "TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"`}, unchecked}},
		{"there is no such aspectRatio", `{prompt: fog, aspectRatio: "1:1"}`,
			[]cause{{"spec.aspectRatio", `supported values: "16:9", "9:16", "Auto"`}, unchecked}},
		{"Auto is written in lower case", `{prompt: fog, aspectRatio: auto, ` + images(1) + `}`,
			[]cause{{"spec.aspectRatio", `supported values: "16:9", "9:16", "Auto"`}, unchecked}},
		{"5 seconds are not sold", `{prompt: fog, durationSeconds: 5}`,
			[]cause{{"spec.durationSeconds", `supported values: "4", "6", "8"`}, unchecked}},
		{"the seed is too small", `{prompt: fog, seed: 9999}`,
			[]cause{{"spec.seed", "greater than or equal to 10000"}}},
		{"the seed is too large", `{prompt: fog, seed: 100000}`,
			[]cause{{"spec.seed", "less than or equal to 99999"}}},
		{"the seed is a text", `{prompt: fog, seed: "12345"}`,
			[]cause{{"spec.seed", "must be of type integer"}, unchecked}},
		{"the watermark is empty", `{prompt: fog, watermark: ""}`,
			[]cause{{"spec.watermark", "at least 1 chars long"}}},
		{"the watermark is too long", `{prompt: fog, watermark: ` + strings.Repeat("w", 101) + `}`,
			[]cause{{"spec.watermark", "may not be more than 100"}, unchecked}},
		{"suspend is a text", `{prompt: fog, suspend: "yes"}`,
			[]cause{{"spec.suspend", "must be of type boolean"}, unchecked}},

		// Combinations that KIE.AI does not make.
		{"text takes no images", `{prompt: fog, generationType: TEXT_2_VIDEO, ` + images(1) + `}`,
			[]cause{{"spec.images", "TEXT_2_VIDEO takes no images: remove images, or use generationType FIRST_AND_LAST_FRAMES_2_VIDEO or REFERENCE_2_VIDEO"}}},
		{"frames need an image", `{prompt: fog, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO}`,
			[]cause{{"spec.images", badFrames}}},
		{"an empty list is no image", `{prompt: fog, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, images: []}`,
			[]cause{{"spec.images", badFrames}}},
		{"there are only a first and a last frame", `{prompt: fog, generationType: FIRST_AND_LAST_FRAMES_2_VIDEO, ` + images(3) + `}`,
			[]cause{{"spec.images", badFrames}}},
		{"a reference needs an image", `{prompt: fog, generationType: REFERENCE_2_VIDEO}`,
			[]cause{{"spec.images", "REFERENCE_2_VIDEO takes 1 to 3 images of what the video shows"}}},
		{"a reference takes 3 images", `{prompt: fog, generationType: REFERENCE_2_VIDEO, ` + images(4) + `}`,
			[]cause{tooManyImages, unchecked}},
		{"without a type there are at most 2 images", `{prompt: fog, ` + images(3) + `}`,
			[]cause{{"spec.images", "3 images are only possible with generationType REFERENCE_2_VIDEO: set it, or give 1 or 2 images"}}},
		{"nothing takes 4 images", `{prompt: fog, ` + images(4) + `}`,
			[]cause{tooManyImages, unchecked}},
		{"veo3 makes nothing from references", `{prompt: fog, model: veo3, generationType: REFERENCE_2_VIDEO, ` + images(1) + `}`,
			[]cause{{"spec.model", "REFERENCE_2_VIDEO is not made by model veo3: use veo3_fast or veo3_lite"}}},
		{"a reference makes 8 seconds", `{prompt: fog, generationType: REFERENCE_2_VIDEO, durationSeconds: 6, ` + images(1) + `}`,
			[]cause{{"spec.durationSeconds", "REFERENCE_2_VIDEO is always 8 seconds long: set durationSeconds to 8 or leave it out"}}},
		{"a reference has no shape of its own", `{prompt: fog, generationType: REFERENCE_2_VIDEO, aspectRatio: Auto, ` + images(1) + `}`,
			[]cause{{"spec.aspectRatio", "REFERENCE_2_VIDEO needs a fixed aspectRatio: use 16:9 or 9:16"}}},
		{"a text has no shape", `{prompt: fog, aspectRatio: Auto}`,
			[]cause{{"spec.aspectRatio", "aspectRatio Auto takes the shape of the first image, and there is none: add an image, or use 16:9 or 9:16"}}},
		{"the fallback model makes 16:9", `{prompt: fog, enableFallback: true, aspectRatio: "9:16"}`,
			[]cause{{"spec.enableFallback", "enableFallback works with aspectRatio 16:9 only: use 16:9, or leave enableFallback out"}}},
		{"every mistake is named at once", `{prompt: fog, model: veo3, generationType: REFERENCE_2_VIDEO, durationSeconds: 4, aspectRatio: Auto, enableFallback: true}`,
			[]cause{
				{"spec.images", "REFERENCE_2_VIDEO takes 1 to 3 images"},
				{"spec.model", "REFERENCE_2_VIDEO is not made by model veo3"},
				{"spec.durationSeconds", "REFERENCE_2_VIDEO is always 8 seconds long"},
				{"spec.aspectRatio", "REFERENCE_2_VIDEO needs a fixed aspectRatio"},
				{"spec.aspectRatio", "aspectRatio Auto takes the shape of the first image"},
				{"spec.enableFallback", "enableFallback works with aspectRatio 16:9 only"},
			}},

		// Images that nobody can fetch.
		{"an image has no url", `{prompt: fog, images: [{}]}`,
			[]cause{{"spec.images[0]", "exactly one of the fields in [url configMapKeyRef secretKeyRef] must be set"}}},
		{"an image is in two places", `{prompt: fog, images: [{url: "https://example.com/a.png", secretKeyRef: {name: a, key: a.png}}]}`,
			[]cause{{"spec.images[0]", "exactly one of the fields in [url configMapKeyRef secretKeyRef] must be set"}}},
		{"an image in a ConfigMap has a key", `{prompt: fog, images: [{configMapKeyRef: {name: frames}}]}`,
			[]cause{{"spec.images[0].configMapKeyRef.key", "Required value"}, unchecked}},
		{"an image in a Secret has a key that no Secret has", `{prompt: fog, images: [{secretKeyRef: {name: frames, key: "first frame"}}]}`,
			[]cause{{"spec.images[0].secretKeyRef.key", "key must be the key of a ConfigMap or Secret"}}},
		{"an image in a ConfigMap has a name that none has", `{prompt: fog, images: [{configMapKeyRef: {name: Frames, key: a.png}}]}`,
			[]cause{{"spec.images[0].configMapKeyRef.name", "name must be the name of a ConfigMap or Secret"}}},
		{"an image is an object", `{prompt: fog, images: ["https://example.com/a.png"]}`,
			[]cause{{"spec.images[0]", "must be of type object"}, unchecked}},
		{"an image URL has a scheme", imageURL("example.com/a.png"),
			[]cause{{"spec.images[0].url", badImageURL}}},
		{"an image is not fetched with ftp", imageURL("ftp://example.com/a.png"),
			[]cause{{"spec.images[0].url", badImageURL}}},
		{"an image URL has a host", imageURL("https:///a.png"),
			[]cause{{"spec.images[0].url", badImageURL}}},
		{"a port is no host", imageURL("https://:443/a.png"),
			[]cause{{"spec.images[0].url", badImageURL}}},
		{"an image is not in its URL", imageURL("data:image/png;base64,iVBORw0KGgo="),
			[]cause{{"spec.images[0].url", badImageURL}}},
		{"an image URL has no blanks", imageURL("https://example.com/a b.png"),
			[]cause{{"spec.images[0].url", badImageURL}}},
		{"an image URL is too long", imageURL("https://example.com/" + strings.Repeat("a", 2048)),
			[]cause{{"spec.images[0].url", "may not be more than 2048"}, unchecked}},
		{"the second image is the bad one", `{prompt: fog, images: [` + image + `, {url: b.png}]}`,
			[]cause{{"spec.images[1].url", badImageURL}}},

		// Resolutions and extensions.
		{"there is no such resolution", `{prompt: fog, resolution: 8k}`,
			[]cause{{"spec.resolution", `supported values: "720p", "1080p", "4k"`}, unchecked}},
		{"4k is written in lower case", `{prompt: fog, resolution: 4K}`,
			[]cause{{"spec.resolution", `supported values: "720p", "1080p", "4k"`}, unchecked}},
		{"an extension continues something", `{prompt: fog, extend: {}}`,
			[]cause{{"spec.extend.from", "Required value"}, unchecked}},
		{"an extension continues a resource", `{prompt: fog, extend: {from: {name: "Part 1"}}}`,
			[]cause{{"spec.extend.from.name", "name must be the name of a VideoGeneration"}}},
		{"an extension takes no images", `{prompt: fog, extend: {from: {name: part-1}}, ` + images(1) + `}`,
			[]cause{{"spec.images", "an extension continues a video and takes no images: remove images or extend"}}},
		{"an extension has no type", `{prompt: fog, extend: {from: {name: part-1}}, generationType: TEXT_2_VIDEO}`,
			[]cause{{"spec.generationType", "an extension continues a video and has no generationType"}}},
		{"an extension has no length", `{prompt: fog, extend: {from: {name: part-1}}, durationSeconds: 8}`,
			[]cause{{"spec.durationSeconds", "KIE.AI decides how much longer an extension is: remove durationSeconds"}}},
		{"an extension has no shape", `{prompt: fog, extend: {from: {name: part-1}}, aspectRatio: "9:16"}`,
			[]cause{{"spec.aspectRatio", "an extension has the shape of the video that it continues: remove aspectRatio"}}},
		{"an extension has no shape, not even the usual one", `{prompt: fog, extend: {from: {name: part-1}}, aspectRatio: "16:9"}`,
			[]cause{{"spec.aspectRatio", "an extension has the shape of the video that it continues: remove aspectRatio"}}},
		{"an extension has no fallback", `{prompt: fog, extend: {from: {name: part-1}}, enableFallback: true}`,
			[]cause{{"spec.enableFallback", "KIE.AI has no fallback for extensions: remove enableFallback"}}},
		{"an extension has no say in the translation", `{prompt: fog, extend: {from: {name: part-1}}, enableTranslation: false}`,
			[]cause{{"spec.enableTranslation", "remove enableTranslation"}}},

		// How to run it.
		{"the priority is too large", `{prompt: fog, priority: 1001}`,
			[]cause{{"spec.priority", "less than or equal to 1000"}}},
		{"nothing is bought zero times", `{prompt: fog, retry: {maxAttempts: 0}}`,
			[]cause{{"spec.retry.maxAttempts", "greater than or equal to 1"}}},
		{"nothing is bought for ever", `{prompt: fog, retry: {maxAttempts: 11}}`,
			[]cause{{"spec.retry.maxAttempts", "less than or equal to 10"}}},
		{"nothing is deleted before it is finished", `{prompt: fog, ttlSecondsAfterFinished: -1}`,
			[]cause{{"spec.ttlSecondsAfterFinished", "greater than or equal to 0"}}},
		{"the timeout is too short", `{prompt: fog, timeout: 10s}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout is too long", `{prompt: fog, timeout: 48h}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout is no time", `{prompt: fog, timeout: abc}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout is negative", `{prompt: fog, timeout: -30m}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout is in days", `{prompt: fog, timeout: 1d}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout is empty", `{prompt: fog, timeout: ""}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout is larger than any number", `{prompt: fog, timeout: 99999999999999999999h}`,
			[]cause{{"spec.timeout", badTimeout}}},
		{"the timeout has no unit", `{prompt: fog, timeout: 30}`,
			[]cause{{"spec.timeout", "must be of type string"}, unchecked}},
		{"the account has no name", `{prompt: fog, accountRef: {namespace: team}}`,
			[]cause{{"spec.accountRef.name", "Required value"}, unchecked}},
		{"the account has a name that no resource has", `{prompt: fog, accountRef: {name: "My account"}}`,
			[]cause{{"spec.accountRef.name", "name must be the name of a KieAccount: lower case letters, digits, '-' and '.'"}}},
		{"the namespace has a name that no namespace has", `{prompt: fog, accountRef: {name: default, namespace: team/a}}`,
			[]cause{{"spec.accountRef.namespace", "namespace must be the name of a namespace: lower case letters, digits and '-'"}}},
	})
}

// A circle of one is seen at once; longer ones are the operator's to find.
func TestAVideoCannotContinueItself(t *testing.T) {
	err := create(t, videoGenerations, video("ouroboros", `{prompt: fog, extend: {from: {name: ouroboros}}}`))
	checkRefused(t, err, cause{"spec.extend.from.name", "a video cannot continue itself: name another VideoGeneration in extend.from"})
}

func TestKieAccountIsRefused(t *testing.T) {
	const secret = `credentialsSecretRef: {name: keys}`
	with := func(rest string) string { return "{" + secret + ", " + rest + "}" }
	priced := func(entry string) string { return with("prices: [{" + entry + "}]") }

	checkRefusals(t, kieAccounts, account, []refusal{
		{"there is no Secret", `{}`,
			[]cause{{"spec.credentialsSecretRef", "Required value"}, unchecked}},
		{"the Secret has no name", `{credentialsSecretRef: {}}`,
			[]cause{{"spec.credentialsSecretRef.name", "Required value"}, unchecked}},
		{"the Secret is an object", `{credentialsSecretRef: keys}`,
			[]cause{{"spec.credentialsSecretRef", "must be of type object"}, unchecked}},
		{"the Secret has a name that no Secret has", `{credentialsSecretRef: {name: team/keys}}`,
			[]cause{{"spec.credentialsSecretRef.name", "name must be the name of a Secret: lower case letters, digits, '-' and '.'"}}},

		{"there is no such from", with(`allowedNamespaces: {from: Everyone}`),
			[]cause{{"spec.allowedNamespaces.from", `supported values: "Same", "All", "Selector"`}, unchecked}},
		{"Selector selects nothing", with(`allowedNamespaces: {from: Selector}`),
			[]cause{{"spec.allowedNamespaces.selector", "from: Selector needs a selector of namespaces: add selector, or use from: Same or from: All"}}},
		{"All does not select", with(`allowedNamespaces: {from: All, selector: {matchLabels: {team: film}}}`),
			[]cause{{"spec.allowedNamespaces.selector", "selector is used with from: Selector only: set from to Selector, or remove selector"}}},
		{"the default does not select", with(`allowedNamespaces: {selector: {matchLabels: {team: film}}}`),
			[]cause{{"spec.allowedNamespaces.selector", "selector is used with from: Selector only: set from to Selector, or remove selector"}}},

		{"baseURL has a scheme", with(`baseURL: api.kie.ai`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL is http", with(`baseURL: "ftp://api.kie.ai"`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL has a host", with(`baseURL: "https://"`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL has no query", with(`baseURL: "https://api.kie.ai?key=1"`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL does not end in a question", with(`baseURL: "https://api.kie.ai?"`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL has no fragment", with(`baseURL: "https://api.kie.ai#veo"`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL holds no credentials", with(`baseURL: "https://user:password@api.kie.ai"`),
			[]cause{{"spec.baseURL", badBaseURL}}},
		{"baseURL is empty", with(`baseURL: ""`),
			[]cause{{"spec.baseURL", "at least 1 chars long"}, {"spec.baseURL", badBaseURL}}},

		{"a price is negative", priced(`model: veo3, operation: Generate, credits: "-1"`),
			[]cause{{"spec.prices[0].credits", badPrice}}},
		{"a price is a word", priced(`model: veo3, operation: Generate, credits: free`),
			[]cause{{"spec.prices[0].credits", badPrice}}},
		{"a price has a comma", priced(`model: veo3, operation: Generate, credits: "14,4"`),
			[]cause{{"spec.prices[0].credits", badPrice}}},
		{"a price has four decimals", priced(`model: veo3, operation: Generate, credits: "0.0001"`),
			[]cause{{"spec.prices[0].credits", badPrice}}},
		{"a price has an exponent", priced(`model: veo3, operation: Generate, credits: "6e1"`),
			[]cause{{"spec.prices[0].credits", badPrice}}},
		{"a price is out of this world", priced(`model: veo3, operation: Generate, credits: "10000000"`),
			[]cause{{"spec.prices[0].credits", badPrice}}},
		{"a price is too long", priced(`model: veo3, operation: Generate, credits: "0000000000060"`),
			[]cause{{"spec.prices[0].credits", "may not be more than 11"}, unchecked}},
		{"a price is empty", priced(`model: veo3, operation: Generate, credits: ""`),
			[]cause{{"spec.prices[0].credits", "at least 1 chars long"}, {"spec.prices[0].credits", badPrice}}},
		{"a price is not in quotes", priced(`model: veo3, operation: Generate, credits: 60`),
			[]cause{{"spec.prices[0].credits", "must be of type string"}, unchecked}},
		{"a price is missing", priced(`model: veo3, operation: Generate`),
			[]cause{{"spec.prices[0].credits", "Required value"}, unchecked}},
		{"a price is of no model", priced(`operation: Generate, credits: "60"`),
			[]cause{{"spec.prices[0].model", "Required value"}, unchecked}},
		{"a price is of nothing", priced(`model: veo3, credits: "60"`),
			[]cause{{"spec.prices[0].operation", "Required value"}, unchecked}},
		{"there is no such operation", priced(`model: veo3, operation: Extnd, credits: "60"`),
			[]cause{{"spec.prices[0].operation", `supported values: "Generate", "Extend", "Upgrade1080p", "Upgrade4K"`}, unchecked}},
		{"a model has a space", priced(`model: "veo3 fast", operation: Generate, credits: "60"`),
			[]cause{{"spec.prices[0].model", "should match"}}},
		{"a model is empty", priced(`model: "", operation: Generate, credits: "60"`),
			[]cause{{"spec.prices[0].model", "at least 1 chars long"}}},
		{"a price is there twice", priced(`model: veo3, operation: Generate, credits: "60"}, {model: veo3, operation: Generate, credits: "61"`),
			[]cause{{"spec.prices[1]", `Duplicate value: {"model":"veo3","operation":"Generate"}`}}},
		{"a budget of nothing is spelled suspend", with(`budget: {credits: "0"}`),
			[]cause{{"spec.budget.credits", badBudget}}},
		{"a budget of nothing, in full", with(`budget: {credits: "0.000"}`),
			[]cause{{"spec.budget.credits", badBudget}}},
		{"a budget is negative", with(`budget: {credits: "-5"}`),
			[]cause{{"spec.budget.credits", badBudget}}},
		{"a budget is not in quotes", with(`budget: {credits: 5000}`),
			[]cause{{"spec.budget.credits", "must be of type string"}, unchecked}},
		{"a budget is out of this world", with(`budget: {credits: "1000000000"}`),
			[]cause{{"spec.budget.credits", badBudget}}},
		{"a budget has credits", with(`budget: {period: 24h}`),
			[]cause{{"spec.budget.credits", "Required value"}, unchecked}},
		{"a budget has a period that can be read", with(`budget: {credits: "1", period: 1d}`),
			[]cause{{"spec.budget.period", "period must be a time from 1m to 8760h, such as 24h or 168h"}}},
		{"a budget has a period that is not too long", with(`budget: {credits: "1", period: 8761h}`),
			[]cause{{"spec.budget.period", "period must be a time from 1m to 8760h, such as 24h or 168h"}}},
		{"uploads go to a URL", with(`uploadBaseURL: kieai.redpandaai.co`),
			[]cause{{"spec.uploadBaseURL", "uploadBaseURL must be a plain http or https address"}}},
		{"no submission is allowed", with(`limits: {submissions: 0}`),
			[]cause{{"spec.limits.submissions", "greater than or equal to 1"}}},
		{"too many submissions are allowed", with(`limits: {submissions: 1001}`),
			[]cause{{"spec.limits.submissions", "less than or equal to 1000"}}},
		{"nothing may be in flight", with(`limits: {inFlight: 0}`),
			[]cause{{"spec.limits.inFlight", "greater than or equal to 1"}}},
		{"too much may be in flight", with(`limits: {inFlight: 10001}`),
			[]cause{{"spec.limits.inFlight", "less than or equal to 10000"}}},
		{"the window has no length", with(`limits: {window: 0s}`),
			[]cause{{"spec.limits.window", badWindow}}},
		{"the window is too long", with(`limits: {window: 2h}`),
			[]cause{{"spec.limits.window", badWindow}}},
		{"the window has no unit", with(`limits: {window: "10"}`),
			[]cause{{"spec.limits.window", badWindow}}},
	})
}

// checkRefusals applies resources that the server is to refuse.
func checkRefusals(t *testing.T, resource schema.GroupVersionResource, object func(name, spec string) *unstructured.Unstructured, cases []refusal) {
	t.Helper()
	for i, tc := range cases {
		t.Run(tc.reason, func(t *testing.T) {
			checkRefused(t, create(t, resource, object(fmt.Sprintf("refused-%d", i), tc.spec)), tc.want...)
		})
	}
}

func TestUnknownFieldsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		reason string
		err    error
		want   []string
	}{
		{
			"a field is misspelt, and another belongs to metadata",
			create(t, videoGenerations, video("unknown", `{prompt: fog, modell: veo3, labels: {a: b}}`)),
			[]string{`unknown field "spec.modell"`, `unknown field "spec.labels"`},
		},
		{
			"an image is a URL and nothing else",
			create(t, videoGenerations, video("unknown", `{prompt: fog, images: [{url: "https://example.com/a.png", uri: b}]}`)),
			[]string{`unknown field "spec.images[0].uri"`},
		},
		{
			"a key does not belong into the account",
			create(t, kieAccounts, account("unknown", `{credentialsSecretRef: {name: keys, namespace: other}, apiKey: secret}`)),
			[]string{`unknown field "spec.apiKey"`, `unknown field "spec.credentialsSecretRef.namespace"`},
		},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if !apierrors.IsBadRequest(tc.err) {
				t.Fatalf("err = %v, want BadRequest", tc.err)
			}
			for _, want := range tc.want {
				if !strings.Contains(tc.err.Error(), want) {
					t.Errorf("err = %v, want it to say %s", tc.err, want)
				}
			}
		})
	}
}

// create applies a resource as kubectl does: unknown fields are errors.
func create(t *testing.T, resource schema.GroupVersionResource, obj *unstructured.Unstructured) error {
	t.Helper()
	_, err := server(t).Resource(resource).Namespace(obj.GetNamespace()).
		Create(t.Context(), obj, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	return err
}
