// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCallbackTellsTheOutcome(t *testing.T) {
	cases := map[string]struct {
		request fields
		want    func(id string) map[string]any
	}{
		"success": {
			request: fields{"prompt": "a"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 200.0, "msg": "Veo3.1 video generated successfully.", "data": map[string]any{
					"taskId": id, "fallbackFlag": false,
					"info": map[string]any{"resolution": "720p", "fullResultUrls": nil,
						"resultUrls": []any{"https://cdn.example/v/" + id + "_1793534405.mp4"}},
				}}
			},
		},
		"success, not 16:9": {
			request: fields{"prompt": "a", "aspect_ratio": "9:16"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 200.0, "msg": "Veo3.1 video generated successfully.", "data": map[string]any{
					"taskId": id, "fallbackFlag": false,
					"info": map[string]any{"resolution": "720p", "fullResultUrls": nil,
						"resultUrls": []any{"https://cdn.example/v/" + id + "_1793534405.mp4"},
						"originUrls": []any{"https://cdn.example/o/" + id + ".mp4"}},
				}}
			},
		},
		"failure": {
			request: fields{"prompt": "[sim:fail=501]"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 501.0, "msg": "Video generation task failed",
					"data": map[string]any{"taskId": id, "fallbackFlag": false}}
			},
		},
		"fallback failed": {
			request: fields{"prompt": "[sim:fallback=failed]", "enableFallback": true},
			want: func(id string) map[string]any {
				return map[string]any{"code": 422.0, "msg": failureMessage(422),
					"data": map[string]any{"taskId": id, "fallbackFlag": false}}
			},
		},
		"fallback used": {
			request: fields{"prompt": "[sim:fallback=used]", "enableFallback": true},
			want: func(id string) map[string]any {
				return map[string]any{"code": 200.0, "msg": "Veo3.1 video generated successfully (using fallback model).",
					"data": map[string]any{
						"taskId": id, "fallbackFlag": true,
						"info": map[string]any{"resolution": "720p", "fullResultUrls": nil,
							"resultUrls": []any{"https://cdn.example/v/" + id + "_1793534405.mp4"}},
					}}
			},
		},
		"the id as task_id": {
			request: fields{"prompt": "[sim:fail=501][sim:callback-id=task_id]"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 501.0, "msg": "Video generation task failed",
					"data": map[string]any{"task_id": id, "fallbackFlag": false}}
			},
		},
		"the id in both places": {
			request: fields{"prompt": "[sim:fail=501][sim:callback-id=both]"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 501.0, "msg": "Video generation task failed",
					"data": map[string]any{"taskId": id, "task_id": id, "fallbackFlag": false}}
			},
		},
		"as before April 2026": {
			request: fields{"prompt": "[sim:full-result-urls=absent]"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 200.0, "msg": "Veo3.1 video generated successfully.", "data": map[string]any{
					"taskId": id, "fallbackFlag": false,
					"info": map[string]any{"resolution": "720p",
						"resultUrls": []any{"https://cdn.example/v/" + id + "_1793534405.mp4"}},
				}}
			},
		},
		"the id at the top": {
			request: fields{"prompt": "[sim:fail=501][sim:callback-id=top]"},
			want: func(id string) map[string]any {
				return map[string]any{"code": 501.0, "msg": "Video generation task failed", "taskId": id,
					"data": map[string]any{"fallbackFlag": false}}
			},
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{PublicURL: "https://cdn.example", WebhookHMACKey: testHMACKey})
			r := f.newReceiver()
			test.request["callBackUrl"] = r.url("at1")
			id := f.accept(test.request)
			f.playOut()

			got := r.only(t)
			body := got.decode(t)
			data := body["data"].(map[string]any)
			if body["code"] == 200.0 {
				if diff := cmp.Diff(f.recordData(id)["paramJson"], data["promptJson"]); diff != "" {
					t.Errorf("promptJson differs from paramJson (-want +got):\n%s", diff)
				}
				delete(data, "promptJson")
			}
			if diff := cmp.Diff(test.want(id), body); diff != "" {
				t.Errorf("callback (-want +got):\n%s", diff)
			}
			if !got.signed(id) {
				t.Error("the signature is not right")
			}
			if want := strconv.FormatInt(epoch.Add(5*time.Second).Unix(), 10); got.Timestamp != want {
				t.Errorf("timestamp is %s, want %s", got.Timestamp, want)
			}
			if got.Path != "/v1/callbacks/at1" || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("User-Agent") != callbackUserAgent {
				t.Errorf("callback came to %s with %v", got.Path, got.Header)
			}
		})
	}
}

func TestCallbackWithoutAKeyIsUnsigned(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver()
	f.accept(fields{"prompt": "a", "callBackUrl": r.url("at1")})
	f.playOut()
	if got := r.only(t); got.Signature != "" || got.Timestamp != "" {
		t.Errorf("callback has the signature %q of %q", got.Signature, got.Timestamp)
	}
}

func TestCallbackTimes(t *testing.T) {
	cases := map[string][]time.Duration{
		"a":                                      {5 * time.Second},
		"[sim:latency=1m]":                       {time.Minute},
		"[sim:latency=0s]":                       {0},
		"[sim:callback=never]":                   nil,
		"[sim:never-finish]":                     nil,
		"[sim:callback=late=20s]":                {25 * time.Second},
		"[sim:callback=twice]":                   {5 * time.Second, 5 * time.Second},
		"[sim:callback=twice] [sim:fail=501]":    {5 * time.Second, 5 * time.Second},
		"[sim:callback=late=1s][sim:lag=1m]":     {6 * time.Second},
		"[sim:callback=early]":                   {0},
		"[sim:callback=early][sim:latency=1m]":   {0},
		"[sim:callback=early][sim:never-finish]": {0},
	}
	for prompt, want := range cases {
		t.Run(prompt, func(t *testing.T) {
			f := newFixture(t, Options{})
			r := f.newReceiver()
			f.accept(fields{"prompt": prompt, "callBackUrl": r.url("at1")})
			f.playOut()
			var got []time.Duration
			for _, callback := range r.all() {
				got = append(got, callback.At.Sub(epoch))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("callbacks after (-want +got):\n%s", diff)
			}
			if state := f.State(); state.Callbacks.Acknowledged != len(want) {
				t.Errorf("%d callbacks were acknowledged, want %d", state.Callbacks.Acknowledged, len(want))
			}
		})
	}
}

func TestEarlyCallbackComesBeforeTheAnswer(t *testing.T) {
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey})
	answered := make(chan struct{})
	var flag any
	var tooLate bool
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ Data struct{ TaskID string } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("the callback is not JSON: %v", err)
		}
		select {
		case <-answered:
			tooLate = true
		default:
		}
		got, err := f.do(r.Context(), http.MethodGet, "/api/v1/veo/record-info?taskId="+body.Data.TaskID, "")
		if err != nil {
			t.Errorf("asking for the record: %v", err)
			return
		}
		flag = got.Data.(map[string]any)["successFlag"]
	}))
	defer hook.Close()
	f.accept(fields{"prompt": "[sim:callback=early]", "callBackUrl": hook.URL})
	close(answered)
	if tooLate || flag != 1.0 {
		t.Errorf("callback after the answer: %v; successFlag during the callback: %v, want false and 1", tooLate, flag)
	}
}

func TestMalformedPromptJSON(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver()
	f.accept(fields{"prompt": "[sim:prompt-json=malformed]", "callBackUrl": r.url("at1")})
	f.playOut()
	text := r.only(t).decode(t)["data"].(map[string]any)["promptJson"].(string)
	if !strings.Contains(text, `\h`) || json.Valid([]byte(text)) {
		t.Errorf("promptJson is %s, want invalid JSON with \\h in it", text)
	}
}
