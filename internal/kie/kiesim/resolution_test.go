// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGenerateAtAResolution(t *testing.T) {
	cases := map[string]struct {
		mode    HighResolution
		request fields
		credits float64
		got     string
	}{
		"720p":                 {"", fields{"prompt": "a", "resolution": "720p"}, 60, "720p"},
		"1080p":                {"", fields{"prompt": "a", "resolution": "1080p"}, 65, "1080p"},
		"4k":                   {"", fields{"prompt": "a", "resolution": "4k"}, 180, "4k"},
		"lite at 1080p":        {HighResolutionDirect, fields{"prompt": "a", "resolution": "1080p", "model": "veo3_lite"}, 35, "1080p"},
		"lite in 4k":           {HighResolutionDirect, fields{"prompt": "a", "resolution": "4k", "model": "veo3_lite"}, 150, "4k"},
		"quality at 1080p":     {HighResolutionDirect, fields{"prompt": "a", "resolution": "1080p", "model": "veo3"}, 255, "1080p"},
		"quality in 4k":        {HighResolutionDirect, fields{"prompt": "a", "resolution": "4k", "model": "veo3"}, 370, "4k"},
		"1080p is still 720p":  {HighResolution720p, fields{"prompt": "a", "resolution": "1080p"}, 60, "720p"},
		"4k is still 720p":     {HighResolution720p, fields{"prompt": "a", "resolution": "4k"}, 60, "720p"},
		"delivered another":    {"", fields{"prompt": "[sim:deliver=1080p]", "resolution": "4k"}, 180, "1080p"},
		"delivered too little": {"", fields{"prompt": "[sim:deliver=720p]", "resolution": "4k"}, 180, "720p"},
		"delivered too much":   {HighResolution720p, fields{"prompt": "[sim:deliver=4k]"}, 60, "4k"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{HighResolution: test.mode, PublicURL: "https://cdn.example"})
			r := f.newReceiver()
			test.request["callBackUrl"] = r.url("at1")
			id := f.accept(test.request)
			if got := 10000 - f.balance(); got != test.credits {
				t.Errorf("it costs %v, want %v", got, test.credits)
			}
			f.playOut()
			origins := any(nil)
			if test.got != "720p" {
				origins = []any{"https://cdn.example/o/" + id + ".mp4"}
			}
			response := f.recordData(id)["response"].(map[string]any)
			info := r.only(t).decode(t)["data"].(map[string]any)["info"].(map[string]any)
			for where, result := range map[string]map[string]any{"record-info": response, "callback": info} {
				if diff := cmp.Diff([]any{test.got, origins}, []any{result["resolution"], result["originUrls"]}); diff != "" {
					t.Errorf("resolution and originUrls of %s (-want +got):\n%s", where, diff)
				}
			}
		})
	}
}

// TestOriginComesFirst checks the state that a client may take for the end: there is
// a response, but successFlag is 0.
func TestOriginComesFirst(t *testing.T) {
	for prompt, flag := range map[string]float64{"[sim:latency=10s]": 1, "[sim:latency=10s][sim:fail=501]": 3, "[sim:never-finish]": 0} {
		t.Run(prompt, func(t *testing.T) {
			f := newFixture(t, Options{Latency: 10 * time.Second})
			id := f.accept(fields{"prompt": prompt, "resolution": "1080p", "seeds": 12345})
			f.clock.advance(5*time.Second - time.Nanosecond)
			if got := f.recordData(id); got["response"] != nil {
				t.Errorf("at first the response is %v", got["response"])
			}
			f.clock.advance(time.Nanosecond)
			got := f.recordData(id)
			want := map[string]any{"taskId": id, "resolution": "1080p", "originUrls": []any{f.server.URL + "/o/" + id + ".mp4"},
				"resultUrls": nil, "hasAudioList": []any{true}, "seeds": []any{12345.0}}
			if diff := cmp.Diff(any(want), got["response"]); diff != "" || got["successFlag"] != 0.0 || got["completeTime"] != nil {
				t.Errorf("successFlag is %v; response (-want +got):\n%s", got["successFlag"], diff)
			}
			if got := f.call("GET", "/o/"+id+".mp4", ""); got.Body != string(clip{resolution720p, false, 8}.video()) {
				t.Errorf("the origin is HTTP %d with %d bytes", got.Status, len(got.Body))
			}
			f.clock.advance(5 * time.Second)
			got = f.recordData(id)
			if has := got["response"] != nil; got["successFlag"] != flag || has != (flag != 3) {
				t.Errorf("in the end successFlag is %v and the response %v", got["successFlag"], got["response"])
			}
		})
	}
}

func TestCreditsConsumed(t *testing.T) {
	cases := map[string]struct {
		prompt string
		want   any
	}{
		"by default": {"a", nil},
		"shown":      {"[sim:credits-consumed=shown]", 60.0},
		"of failure": {"[sim:credits-consumed=shown][sim:fail=501]", nil},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			r := f.newReceiver()
			id := f.accept(fields{"prompt": test.prompt, "callBackUrl": r.url("at1")})
			f.playOut()
			got := []any{f.recordData(id)["creditsConsumed"], r.only(t).decode(t)["data"].(map[string]any)["creditsConsumed"]}
			if diff := cmp.Diff([]any{test.want, test.want}, got); diff != "" {
				t.Errorf("creditsConsumed of record-info and callback (-want +got):\n%s", diff)
			}
		})
	}
}
