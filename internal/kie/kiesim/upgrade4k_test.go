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

// urls4K returns where the video and the picture of the only upgrade are.
func (f *fixture) urls4K() (result, image string) {
	f.t.Helper()
	u := f.upgrades()[0]
	return u.resultURLs()[0], u.imageURLs()[0]
}

func TestUpgradeTo4K(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "a", "duration": 4})
	nothing := map[string]any{"taskId": id, "resultUrls": nil, "imageUrls": nil}
	ask := func(want answer) {
		t.Helper()
		got := f.get4K(fields{"taskId": id, "index": 0})
		got.Body = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
	ask(answer{Status: 200, Code: 200, Msg: "success", Data: nothing})
	for range 2 {
		ask(answer{Status: 200, Code: 422, Data: nothing,
			Msg: "4k is processing. It should be ready in 5-10 minutes. Please check back shortly."})
	}
	f.clock.advance(5 * time.Second)
	result, image := f.urls4K()
	for range 2 {
		ask(answer{Status: 200, Code: 422, Msg: "The video has been generated successfully",
			Data: map[string]any{"taskId": id, "resultUrls": []any{result}, "imageUrls": []any{image}}})
	}

	seen := clip{resolution4K, false, 4}
	for url, want := range map[string][]byte{result: seen.video(), image: seen.picture()} {
		if got := f.call(http.MethodGet, pathOf(t, url), ""); got.Body != string(want) {
			t.Errorf("%s is HTTP %d with %d bytes, want %d", url, got.Status, len(got.Body), len(want))
		}
	}
	if f.balance() != 10000-60-120 || f.State().PaidUpgrades != 1 {
		t.Errorf("balance is %v after %d upgrades, want 9820 after 1", f.balance(), f.State().PaidUpgrades)
	}
	if got := f.recordData(id)["response"].(map[string]any)["resolution"]; got != "720p" {
		t.Errorf("the record of the task has become %v", got)
	}
}

func TestUpgradeTo4KWithAnIDOfItsOwn(t *testing.T) {
	f := newFixture(t, Options{})
	base := f.made(fields{"prompt": "[sim:4k-id=new]"})
	id, _ := f.get4K(fields{"taskId": base, "callBackUrl": "https://hooks.example/at1"}).Data.(map[string]any)["taskId"].(string)
	if id == base || len(id) != 32 {
		t.Fatalf("the id is %q, that of the task %q", id, base)
	}
	want := map[string]any{
		"taskId": id, "paramJson": `{"callBackUrl":"https://hooks.example/at1","index":0,"taskId":"` + base + `"}`,
		"createTime": epochMillis + 5000, "completeTime": nil, "successFlag": 0.0, "errorCode": nil, "errorMessage": nil, "response": nil,
	}
	if diff := cmp.Diff(want, f.recordData(id)); diff != "" {
		t.Errorf("record while it runs (-want +got):\n%s", diff)
	}
	f.clock.advance(5 * time.Second)
	result, image := f.urls4K()
	want["completeTime"], want["successFlag"] = epochMillis+10000, 1.0
	want["response"] = map[string]any{"taskId": id, "resolution": "4k", "originUrls": nil, "resultUrls": []any{result},
		"imageUrls": []any{image}, "mediaIds": []any{f.upgrades()[0].mediaIDs()[0]}}
	if diff := cmp.Diff(want, f.recordData(id)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	for what, got := range map[string]answer{"4k": f.get4K(fields{"taskId": id}), "1080p": f.get1080p(id)} {
		if got.Code != 422 || got.Msg != "record is null" {
			t.Errorf("%s of the upgrade itself: %s", what, got.Body)
		}
	}
	if state := f.State(); state.RecordInfoPolls[id] != 2 || state.Upgrades[0].ID != id || state.Upgrades[0].TaskID != base {
		t.Errorf("state is %+v with the polls %v", state.Upgrades, state.RecordInfoPolls)
	}
}

func TestUpgradeTo4KInSnakeCase(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:4k-snake=answer]"})
	want := map[string]any{"task_id": id, "result_urls": nil, "image_urls": nil, "media_ids": nil}
	if diff := cmp.Diff(any(want), f.get4K(fields{"taskId": id}).Data); diff != "" {
		t.Errorf("data at first (-want +got):\n%s", diff)
	}
	f.clock.advance(5 * time.Second)
	result, image := f.urls4K()
	want = map[string]any{"task_id": id, "result_urls": []any{result}, "image_urls": []any{image},
		"media_ids": []any{f.upgrades()[0].mediaIDs()[0]}}
	if diff := cmp.Diff(any(want), f.get4K(fields{"taskId": id}).Data); diff != "" {
		t.Errorf("data at the end (-want +got):\n%s", diff)
	}
}

func TestUpgradeTo4KRefusesInvalidRequests(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "a"})
	for name, request := range map[string]fields{
		"callBackUrl": {"taskId": id, "callBackUrl": "hooks.example"},
		"index":       {"taskId": id, "index": "0"},
	} {
		if got := f.get4K(request); got.Code != 422 || !strings.Contains(got.Msg, name) {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
	if got := f.call(http.MethodGet, "/api/v1/veo/get-4k-video?taskId="+id, ""); got.Code != 404 {
		t.Errorf("a GET got %s", got.Body)
	}
}

func TestCallbackOf4K(t *testing.T) {
	const unavailable = "The 4K version of this video is unavailable. Please try a different video."
	cases := map[string]struct {
		markers string
		want    func(id, result, image, mediaID string) map[string]any
	}{
		"success": {"", func(id, result, image, _ string) map[string]any {
			return map[string]any{"code": 200.0, "msg": "4K Video generated successfully.", "data": map[string]any{
				"taskId": id, "creditsConsumed": 120.0,
				"info": map[string]any{"resultUrls": []any{result}, "imageUrls": []any{image}}}}
		}},
		"without credits": {"[sim:4k-credits-consumed=hidden]", func(id, result, image, _ string) map[string]any {
			return map[string]any{"code": 200.0, "msg": "4K Video generated successfully.", "data": map[string]any{
				"taskId": id, "info": map[string]any{"resultUrls": []any{result}, "imageUrls": []any{image}}}}
		}},
		"snake case": {"[sim:4k-snake=callback]", func(id, result, image, mediaID string) map[string]any {
			return map[string]any{"code": 200.0, "msg": "4K Video generated successfully.", "data": map[string]any{
				"task_id": id, "creditsConsumed": 120.0, "result_urls": []any{result}, "image_urls": []any{image},
				"media_ids": []any{mediaID}}}
		}},
		"failure": {"[sim:4k-fail=500]", func(id, _, _, _ string) map[string]any {
			return map[string]any{"code": 500.0, "msg": unavailable, "data": map[string]any{"taskId": id}}
		}},
		"failure with 400": {"[sim:4k-fail=400]", func(id, _, _, _ string) map[string]any {
			return map[string]any{"code": 400.0, "msg": unavailable, "data": map[string]any{"taskId": id}}
		}},
		"failure with 422": {"[sim:4k-fail=422]", func(id, _, _, _ string) map[string]any {
			return map[string]any{"code": 500.0, "msg": unavailable, "data": map[string]any{"taskId": id}}
		}},
		"failure without data": {"[sim:4k-fail=500][sim:4k-failure-data=null][sim:4k-callback-id=top]", func(_, _, _, _ string) map[string]any {
			return map[string]any{"code": 500.0, "msg": unavailable, "data": nil}
		}},
		"forged failure": {"[sim:4k-callback=forged-failure]", func(id, _, _, _ string) map[string]any {
			return map[string]any{"code": 500.0, "msg": unavailable, "data": map[string]any{"taskId": id}}
		}},
		"forged": {"[sim:4k-fail=500][sim:4k-callback=forged]", func(id, _, image, _ string) map[string]any {
			return map[string]any{"code": 200.0, "msg": "4K Video generated successfully.", "data": map[string]any{
				"taskId": id, "creditsConsumed": 120.0,
				"info": map[string]any{"resultUrls": []any{"https://forged.example/v/" + id + "_1793534410.mp4"}, "imageUrls": []any{image}}}}
		}},
	}
	for name, test := range cases {
		for _, ids := range []string{"[sim:4k-id=same]", "[sim:4k-id=new]"} {
			t.Run(name+" "+ids, func(t *testing.T) {
				f := newFixture(t, Options{WebhookHMACKey: testHMACKey})
				r := f.newReceiver()
				base := f.made(fields{"prompt": ids + test.markers})
				f.get4K(fields{"taskId": base, "callBackUrl": r.url("up1")})
				// Later requests bring no further callbacks.
				f.get4K(fields{"taskId": base, "callBackUrl": r.url("up2")})
				f.playOut()
				got := r.only(t)
				u := f.State().Upgrades[0]
				result, image := f.urls4K()
				if diff := cmp.Diff(test.want(u.ID, result, image, f.upgrades()[0].mediaIDs()[0]), got.decode(t)); diff != "" {
					t.Errorf("callback (-want +got):\n%s", diff)
				}
				if !got.signed(u.ID) || got.Path != "/v1/callbacks/up1" || got.At != epoch.Add(10*time.Second) {
					t.Errorf("callback on %s at %v, signed for the upgrade: %v", got.Path, got.At, got.signed(u.ID))
				}
				if u.Attempt != "up1" || u.CallbackStatus != 200 {
					t.Errorf("attempt %q was answered %d, want up1 and 200", u.Attempt, u.CallbackStatus)
				}
			})
		}
	}
}

func TestCallbackTimesOf4K(t *testing.T) {
	cases := map[string][]time.Duration{
		"a":                         {5 * time.Second},
		"[sim:callback=never]":      {5 * time.Second}, // of the task, not of its upgrade
		"[sim:4k-callback=never]":   nil,
		"[sim:4k-callback=early]":   {0},
		"[sim:4k-callback=twice]":   {5 * time.Second, 5 * time.Second},
		"[sim:4k-never-finish]":     nil,
		"[sim:4k-callback=late=1m]": {65 * time.Second},
		"[sim:4k-latency=1h]":       {time.Hour},
	}
	for prompt, want := range cases {
		t.Run(prompt, func(t *testing.T) {
			f := newFixture(t, Options{})
			r := f.newReceiver()
			id := f.made(fields{"prompt": prompt})
			if got := f.get4K(fields{"taskId": id, "callBackUrl": r.url("up1")}); got.Code != 200 {
				t.Fatalf("answer is %s", got.Body)
			}
			f.playOut()
			var got []time.Duration
			for _, callback := range r.all() {
				got = append(got, callback.At.Sub(epoch.Add(5*time.Second)))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("callbacks after (-want +got):\n%s", diff)
			}
		})
	}
}

func Test4KFails(t *testing.T) {
	for marker, code := range map[string]int{"[sim:4k-fail=400]": 400, "[sim:4k-fail=422]": 422, "[sim:4k-fail=500]": 500} {
		t.Run(marker, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.made(fields{"prompt": marker})
			ask := func() answer { return f.get4K(fields{"taskId": id}) }
			if got := ask(); got.Code != 200 || f.balance() != 10000-180 {
				t.Errorf("at first the answer is %s and the balance %v", got.Body, f.balance())
			}
			for range 2 {
				f.clock.advance(time.Hour)
				if got := ask(); got.Code != code || got.Data != nil || !strings.Contains(got.Msg, "unavailable") {
					t.Errorf("then the answer is %s, want code %d", got.Body, code)
				}
			}
			if f.balance() != 10000-60 || f.State().PaidUpgrades != 1 {
				t.Errorf("balance is %v after %d upgrades, want the credits back", f.balance(), f.State().PaidUpgrades)
			}
		})
	}
}
