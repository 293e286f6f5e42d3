// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExtend(t *testing.T) {
	cases := map[string]struct {
		original  fields
		extension fields
		model     string
		credits   float64
		params    string
		upright   bool
	}{
		"the least there is": {fields{"prompt": "a"}, fields{"prompt": "b"}, "fast", 60,
			`{"aspectRatio":"16:9","model":"fast","prompt":"b","taskId":"ORIGINAL"}`, false},
		"every field": {fields{"prompt": "a", "aspect_ratio": "9:16", "duration": 4},
			fields{"prompt": "b", "model": "quality", "seeds": 12345, "watermark": "Acme", "callBackUrl": "https://hooks.example/at2"}, "quality", 250,
			`{"aspectRatio":"9:16","callBackUrl":"https://hooks.example/at2","model":"quality","prompt":"b","seeds":12345,"taskId":"ORIGINAL","waterMark":"Acme"}`, true},
		"lite": {fields{"prompt": "a", "model": "veo3"}, fields{"prompt": "b", "model": "lite"}, "lite", 30,
			`{"aspectRatio":"16:9","model":"lite","prompt":"b","taskId":"ORIGINAL"}`, false},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			original := f.made(test.original)
			before := f.balance()
			test.extension["taskId"] = original
			id := f.acceptExtension(test.extension)
			if got := before - f.balance(); got != test.credits {
				t.Errorf("it costs %v, want %v", got, test.credits)
			}
			f.clock.advance(5 * time.Second)
			got := f.recordData(id)
			if diff := cmp.Diff(strings.ReplaceAll(test.params, "ORIGINAL", original), got["paramJson"]); diff != "" {
				t.Errorf("paramJson (-want +got):\n%s", diff)
			}
			response, _ := got["response"].(map[string]any)
			part, film := f.server.URL+"/v/"+id+"_1793534410.mp4", f.server.URL+"/f/"+id+"_1793534410.mp4"
			if diff := cmp.Diff([]any{[]any{part}, []any{film}, "720p"},
				[]any{response["resultUrls"], response["fullResultUrls"], response["resolution"]}); diff != "" {
				t.Errorf("resultUrls, fullResultUrls and resolution (-want +got):\n%s", diff)
			}
			for url, want := range map[string]clip{part: {resolution720p, test.upright, 8}, film: {resolution720p, test.upright, 15}} {
				if video := f.call(http.MethodGet, pathOf(t, url), ""); video.Body != string(want.video()) {
					t.Errorf("%s is HTTP %d with %d bytes, want %d", url, video.Status, len(video.Body), len(want.video()))
				}
			}
			task := f.State().Tasks[1]
			want := Task{ID: id, Operation: OperationExtend, Extends: original, Model: test.model, Prompt: "b", Attempt: task.Attempt,
				Credits: test.credits, State: TaskSucceeded, CreatedAt: epoch.Add(5 * time.Second), FinishedAt: epoch.Add(10 * time.Second)}
			if diff := cmp.Diff(want, task); diff != "" {
				t.Errorf("task (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExtendRefusesInvalidRequests(t *testing.T) {
	cases := map[string]struct {
		change fields
		names  string
	}{
		"no original":           {fields{"taskId": ""}, "taskId"},
		"no prompt":             {fields{"prompt": ""}, "prompt"},
		"a model of generation": {fields{"model": "veo3_fast"}, "use fast, quality or lite"},
		"seeds":                 {fields{"seeds": 1}, "seeds"},
		"callback URL":          {fields{"callBackUrl": "hooks.example"}, "callBackUrl"},
		"wrong type":            {fields{"prompt": 7}, "prompt"},
		"wrong marker":          {fields{"prompt": "[sim:fali]"}, "[sim:fali]"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			request := fields{"taskId": f.made(fields{"prompt": "a"}), "prompt": "b"}
			for field, value := range test.change {
				request[field] = value
			}
			if got := f.extend(request); got.Status != 200 || got.Code != 422 || !strings.Contains(got.Msg, test.names) {
				t.Errorf("answer is HTTP %d %s, want code 422 and %q", got.Status, got.Body, test.names)
			}
			if f.State().PaidTasks != 1 || f.balance() != 10000-60 {
				t.Errorf("%d tasks were paid and %v credits are left", f.State().PaidTasks, f.balance())
			}
		})
	}
}

func TestOriginalsThatCannotBeExtended(t *testing.T) {
	const upgraded = "videos generated after 1080P generation cannot be extended"
	cases := map[string]struct {
		original func(f *fixture) string
		code     int
		message  string
	}{
		"unknown":  {func(*fixture) string { return strings.Repeat("0", 32) }, 404, "The original video task does not exist"},
		"running":  {func(f *fixture) string { return f.accept(fields{"prompt": "a"}) }, 422, "record status is not success"},
		"failed":   {func(f *fixture) string { return f.made(fields{"prompt": "[sim:fail=501]"}) }, 422, "record status is not success"},
		"too old":  {func(f *fixture) string { return f.old() }, 422, "Temporarily supports records within 14 days"},
		"at 1080p": {func(f *fixture) string { return f.made(fields{"prompt": "a", "resolution": "1080p"}) }, 422, upgraded},
		"upgraded to 1080p": {func(f *fixture) string {
			id := f.made(fields{"prompt": "a"})
			f.get1080p(id)
			f.clock.advance(5 * time.Second)
			return id
		}, 422, upgraded},
		"being upgraded to 1080p": {func(f *fixture) string {
			id := f.made(fields{"prompt": "a"})
			f.get1080p(id)
			return id
		}, 422, upgraded},
		"an upgrade": {func(f *fixture) string {
			f.get4K(fields{"taskId": f.made(fields{"prompt": "[sim:4k-id=new]"})})
			f.clock.advance(5 * time.Second)
			return f.State().Upgrades[0].ID
		}, 422, upgraded},
		"upgraded to 1080p in vain": {func(f *fixture) string {
			id := f.made(fields{"prompt": "[sim:1080p-fail=500]"})
			f.get1080p(id)
			f.clock.advance(5 * time.Second)
			return id
		}, 200, "success"},
		"upgraded to 4K": {func(f *fixture) string {
			id := f.made(fields{"prompt": "a"})
			f.get4K(fields{"taskId": id})
			return id
		}, 200, "success"},
		"an extension": {func(f *fixture) string {
			id := f.acceptExtension(fields{"taskId": f.made(fields{"prompt": "a"}), "prompt": "b"})
			f.clock.advance(5 * time.Second)
			return id
		}, 200, "success"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := test.original(f)
			paid := f.State().PaidTasks
			got := f.extend(fields{"taskId": id, "prompt": "b"})
			if got.Code != test.code || got.Msg != test.message {
				t.Errorf("answer is %s, want code %d %q", got.Body, test.code, test.message)
			}
			if bought := f.State().PaidTasks > paid; bought != (test.code == 200) {
				t.Errorf("it was bought: %v", bought)
			}
		})
	}
}

// old returns a task that KIE keeps no longer.
func (f *fixture) old() string {
	f.t.Helper()
	id := f.made(fields{"prompt": "a"})
	f.clock.advance(retention)
	return id
}

func TestExtendURLs(t *testing.T) {
	cases := map[string][2]bool{ // whether there are resultUrls and fullResultUrls
		"b":                        {true, true},
		"[sim:extend-urls=both]":   {true, true},
		"[sim:extend-urls=full]":   {false, true},
		"[sim:extend-urls=result]": {true, false},
	}
	for prompt, want := range cases {
		t.Run(prompt, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.acceptExtension(fields{"taskId": f.made(fields{"prompt": "a"}), "prompt": prompt})
			f.clock.advance(5 * time.Second)
			response := f.recordData(id)["response"].(map[string]any)
			got := [2]bool{response["resultUrls"] != nil, response["fullResultUrls"] != nil}
			if got != want {
				t.Errorf("resultUrls and fullResultUrls are there: %v, want %v", got, want)
			}
			// The upgrade is of all that there is.
			f.get4K(fields{"taskId": id})
			seconds := 15
			if !want[1] {
				seconds = 8
			}
			f.clock.advance(5 * time.Second)
			path := f.upgrades()[0].resultPath()
			if got := f.call(http.MethodGet, path, ""); got.Body != string(clip{resolution4K, false, seconds}.video()) {
				t.Errorf("in 4K it is HTTP %d with %d bytes", got.Status, len(got.Body))
			}
		})
	}
}

func TestExtensionHasTheFateOfItsOwnPrompt(t *testing.T) {
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey})
	r := f.newReceiver()
	original := f.made(fields{"prompt": "[sim:callback=never]"})
	request := func(prompt, token string) fields {
		return fields{"taskId": original, "prompt": prompt, "callBackUrl": r.url(token)}
	}
	if got := f.extend(request("[sim:submit=455]", "at1")); got.Code != 455 {
		t.Errorf("answer is %s, want code 455", got.Body)
	}
	if _, err := f.do(t.Context(), http.MethodPost, "/api/v1/veo/extend", request("[sim:refuse-then=drop]", "at2").json()); err == nil {
		t.Error("a dropped connection was answered")
	}
	if _, err := f.do(t.Context(), http.MethodPost, "/api/v1/veo/extend", request("[sim:accept-then=drop]", "at3").json()); err == nil {
		t.Error("a dropped connection was answered")
	}
	failed := f.acceptExtension(request("[sim:fail=501]", "at4"))
	f.playOut()
	if diff := cmp.Diff(map[string]int{"at3": 1, "at4": 1}, f.PaidByCallback()); diff != "" {
		t.Errorf("paid by callback (-want +got):\n%s", diff)
	}
	if f.balance() != 10000-60-60 {
		t.Errorf("balance is %v, want 9880: the failed one gives its credits back", f.balance())
	}
	messages := make(map[string]string)
	for _, callback := range r.all() {
		messages[callback.Path] = callback.decode(t)["msg"].(string)
	}
	want := map[string]string{
		"/v1/callbacks/at3": "Veo3.1 video extension successful.",
		"/v1/callbacks/at4": "Video generation task failed",
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("callbacks (-want +got):\n%s", diff)
	}
	if flag := f.recordData(failed)["successFlag"]; flag != 3.0 {
		t.Errorf("successFlag is %v, want 3", flag)
	}
}

func TestExtensionsAndGenerationsShareTheRateLimit(t *testing.T) {
	f := newFixture(t, Options{RateLimit: 2})
	original := f.made(fields{"prompt": "a"})
	f.acceptExtension(fields{"taskId": original, "prompt": "b"})
	for name, got := range map[string]answer{
		"extension":  f.extend(fields{"taskId": original, "prompt": "b"}),
		"generation": f.submit(fields{"prompt": "a"}),
	} {
		if got.Code != 429 {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
	if diff := cmp.Diff(MaxInWindow{Accepted: 2, Submissions: 4}, f.State().MaxInWindow); diff != "" {
		t.Errorf("largest numbers in a window (-want +got):\n%s", diff)
	}
}

func TestExtensionWithoutCredits(t *testing.T) {
	f := newFixture(t, Options{Credits: 119})
	if got := f.extend(fields{"taskId": f.made(fields{"prompt": "a"}), "prompt": "b"}); got.Code != 402 || f.State().PaidTasks != 1 {
		t.Errorf("answer is %s after %d tasks", got.Body, f.State().PaidTasks)
	}
}
