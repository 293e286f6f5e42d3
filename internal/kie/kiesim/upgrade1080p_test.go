// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUpgradeTo1080p(t *testing.T) {
	const processing = "1080P is processing. It should be ready in 1-2 minutes. Please check back shortly."
	cases := map[string]struct {
		prompt  string
		options Options
		running answer
		key     string
	}{
		"400": {prompt: "a", running: answer{Status: 200, Code: 400, Msg: processing}, key: "resultUrl"},
		"422": {prompt: "[sim:1080p-not-ready=422]", running: answer{Status: 200, Code: 422,
			Msg: "The 1080P video is being generated. Please check back shortly."}, key: "resultUrl"},
		"500": {prompt: "[sim:1080p-not-ready=500]", running: answer{Status: 200, Code: 500,
			Msg: "An unexpected error occurred while processing the request"}, key: "resultUrl"},
		"snake case": {prompt: "[sim:1080p-url=result_url]", running: answer{Status: 200, Code: 400, Msg: processing}, key: "result_url"},
		"as a real status": {prompt: "a", options: Options{HTTPStatusMode: HTTPStatusReal},
			running: answer{Status: 400, Code: 400, Msg: processing}, key: "resultUrl"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test.options)
			id := f.made(fields{"prompt": test.prompt, "aspect_ratio": "9:16", "duration": 6})
			for range 3 {
				got := f.get1080p(id)
				got.Body = ""
				if diff := cmp.Diff(test.running, got); diff != "" {
					t.Errorf("answer while it runs (-want +got):\n%s", diff)
				}
			}
			f.clock.advance(5 * time.Second)
			got := f.get1080p(id)
			data, _ := got.Data.(map[string]any)
			url, _ := data[test.key].(string)
			if got.Status != 200 || got.Code != 200 || len(data) != 1 ||
				!regexp.MustCompile(`^`+f.server.URL+`/p/[0-9a-f]{32}_1793534410\.mp4$`).MatchString(url) {
				t.Fatalf("answer is HTTP %d %s", got.Status, got.Body)
			}
			if again := f.get1080p(id); again.Body != got.Body {
				t.Errorf("asked again it answers %s, before %s", again.Body, got.Body)
			}
			video := f.call(http.MethodGet, pathOf(t, url), "")
			if video.Body != string(clip{resolution1080p, true, 6}.video()) {
				t.Errorf("the video is HTTP %d with %d bytes", video.Status, len(video.Body))
			}
			if got := f.balance(); got != 10000-60-5 {
				t.Errorf("balance is %v, want 9935: the upgrade is charged once", got)
			}
		})
	}
}

func TestUpgradesAreRefused(t *testing.T) {
	upgrades := map[string]func(f *fixture, id string) answer{
		resolution1080p: (*fixture).get1080p,
		resolution4K:    func(f *fixture, id string) answer { return f.get4K(fields{"taskId": id}) },
	}
	cases := map[string]struct {
		request fields
		wait    time.Duration
		want    string
	}{
		"running":  {fields{"prompt": "[sim:latency=1h]"}, 5 * time.Second, "record status is not success"},
		"lagging":  {fields{"prompt": "[sim:lag]"}, 5 * time.Second, "record status is not success"},
		"failed":   {fields{"prompt": "[sim:fail=501]"}, 5 * time.Second, "record status is not success"},
		"old":      {fields{"prompt": "a"}, 14*24*time.Hour + time.Second, "Temporarily supports records within 14 days"},
		"no index": {fields{"prompt": "a"}, 0, "record result data not exist"},
		"unknown":  {nil, 0, "record is null"},
	}
	for resolution, ask := range upgrades {
		for name, test := range cases {
			t.Run(resolution+" "+name, func(t *testing.T) {
				f := newFixture(t, Options{})
				id := strings.Repeat("0", 32)
				if test.request != nil {
					id = f.accept(test.request)
				}
				f.clock.advance(test.wait)
				before := f.balance()
				var got answer
				switch {
				case name != "no index":
					got = ask(f, id)
				case resolution == resolution1080p:
					f.clock.advance(5 * time.Second)
					got = f.call(http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+id+"&index=1", "")
				default:
					f.clock.advance(5 * time.Second)
					got = f.get4K(fields{"taskId": id, "index": 1})
				}
				want := answer{Status: 200, Code: 422, Msg: test.want, Body: got.Body}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if f.balance() != before || f.State().PaidUpgrades != 0 {
					t.Error("a refused upgrade was charged")
				}
			})
		}
	}
}

func TestNo1080pOfAFallback(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "[sim:fallback=used]", "enableFallback": true})
	if got := f.get1080p(id); got.Code != 422 || !strings.Contains(got.Msg, "fallback") || f.State().PaidUpgrades != 0 {
		t.Errorf("answer is %s", got.Body)
	}
}

func Test1080pIndexIsANumber(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "a"})
	if got := f.call(http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+id+"&index=x", ""); got.Code != 422 || !strings.Contains(got.Msg, "index") {
		t.Errorf("answer is %s", got.Body)
	}
	if got := f.call(http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+id, ""); got.Code != 400 {
		t.Errorf("without an index the answer is %s", got.Body)
	}
	if diff := cmp.Diff(map[string]int{id: 1}, f.PaidUpgradesByBase()); diff != "" {
		t.Errorf("paid upgrades (-want +got):\n%s", diff)
	}
}

func Test1080pFails(t *testing.T) {
	for marker, code := range map[string]int{"[sim:1080p-fail=500]": 500, "[sim:1080p-fail=422]": 422} {
		t.Run(marker, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.made(fields{"prompt": marker})
			if got := f.get1080p(id); got.Code != 400 || f.balance() != 10000-65 {
				t.Errorf("at first the answer is %s and the balance %v", got.Body, f.balance())
			}
			for range 2 {
				f.clock.advance(time.Hour)
				if got := f.get1080p(id); got.Code != code || got.Data != nil || !strings.Contains(got.Msg, "unavailable") {
					t.Errorf("then the answer is %s, want code %d", got.Body, code)
				}
			}
			if f.balance() != 10000-60 || f.State().PaidUpgrades != 1 {
				t.Errorf("balance is %v after %d upgrades, want the credits back", f.balance(), f.State().PaidUpgrades)
			}
		})
	}
}

func TestUpgradeLatency(t *testing.T) {
	cases := map[string]struct {
		options Options
		prompt  string
		want    time.Duration
	}{
		"that of tasks": {Options{Latency: 7 * time.Second}, "[sim:latency=1s]", 7 * time.Second},
		"its own":       {Options{UpgradeLatency: time.Minute}, "a", time.Minute},
		"none":          {Options{UpgradeLatency: Immediately}, "a", 0},
		"of the prompt": {Options{UpgradeLatency: time.Minute}, "[sim:1080p-latency=3s][sim:4k-latency=4s]", 3 * time.Second},
		"never":         {Options{}, "[sim:1080p-never-finish]", -1},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test.options)
			id := f.accept(fields{"prompt": test.prompt})
			f.clock.advance(10 * time.Second)
			first := f.get1080p(id)
			if next, coming := f.NextEvent(); coming && next.Sub(epoch.Add(10*time.Second)) != test.want {
				t.Errorf("it finishes after %v, want %v", next.Sub(epoch.Add(10*time.Second)), test.want)
			} else if !coming && test.want > 0 {
				t.Error("it never finishes")
			}
			if ready := first.Code == 200; ready != (test.want == 0) {
				t.Errorf("the first answer is %s", first.Body)
			}
			if test.want > 0 {
				f.clock.advance(test.want)
				if got := f.get1080p(id); got.Code != 200 {
					t.Errorf("at the end the answer is %s", got.Body)
				}
			}
		})
	}
}
