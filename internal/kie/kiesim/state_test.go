// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestState(t *testing.T) {
	f := newFixture(t, Options{WebhookHMACKey: testHMACKey})
	r := f.newReceiver()
	first := f.accept(fields{"prompt": "one", "model": "veo3", "callBackUrl": r.url("at1") + "?x=/y"})
	second := f.accept(fields{"prompt": "two [sim:fail=501]", "callBackUrl": r.url("at2")})
	third := f.accept(fields{"prompt": "three [sim:latency=1h]"})
	f.submit(fields{"prompt": ""})
	f.playOutUntil(5 * time.Second)
	f.record(first)
	f.record(first)
	f.record(strings.Repeat("0", 32))
	f.call(http.MethodGet, "/api/v1/chat/credit", "")
	if _, err := f.do(t.Context(), http.MethodPost, "/api/v1/veo/generate", `{"prompt":"[sim:refuse-then=drop]"}`); err == nil {
		t.Error("a dropped connection was answered")
	}

	end := epoch.Add(5 * time.Second)
	want := State{
		Tasks: []Task{
			{ID: first, Operation: OperationGenerate, Model: "veo3", Prompt: "one", Attempt: "at1", Credits: 250, State: TaskSucceeded, CreatedAt: epoch, FinishedAt: end},
			{ID: second, Operation: OperationGenerate, Model: "veo3_fast", Prompt: "two [sim:fail=501]", Attempt: "at2", Credits: 60, State: TaskFailed, CreatedAt: epoch, FinishedAt: end},
			{ID: third, Operation: OperationGenerate, Model: "veo3_fast", Prompt: "three [sim:latency=1h]", Credits: 60, State: TaskRunning, CreatedAt: epoch},
		},
		PaidTasks:       3,
		Upgrades:        []Upgrade{},
		Uploads:         Uploads{Paths: []string{}},
		Balance:         10000 - 250 - 60,
		Requests:        map[string]int{"generate": 5, "record-info": 3, "credit": 1},
		Fetches:         map[string]int{},
		RecordInfoPolls: map[string]int{first: 2},
		Answers:         map[int]int{0: 1, 200: 6, 422: 2},
		MaxInWindow:     MaxInWindow{Accepted: 3, Submissions: 5},
		Callbacks: Callbacks{Sent: 2, Acknowledged: 2,
			LastStatusByTask: map[string]int{first: 200, second: 200}},
	}
	if diff := cmp.Diff(want, f.State()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"at1": 1, "at2": 1}, f.PaidByCallback()); diff != "" {
		t.Errorf("paid by callback (-want +got):\n%s", diff)
	}

	served := f.call(http.MethodGet, "/_sim/state", "", func(r *http.Request) { r.Header = nil })
	var decoded State
	if err := json.Unmarshal([]byte(served.Body), &decoded); err != nil {
		t.Fatalf("the served state is not JSON: %v", err)
	}
	if diff := cmp.Diff(want, decoded); diff != "" {
		t.Errorf("served state (-want +got):\n%s", diff)
	}
	for _, key := range []string{testAPIKey, testHMACKey} {
		if strings.Contains(served.Body, key) {
			t.Error("the served state contains a key")
		}
	}
}

func TestPaidTwiceIsSeen(t *testing.T) {
	f := newFixture(t, Options{})
	for range 2 {
		f.accept(fields{"prompt": "a", "callBackUrl": "https://hooks.example/v1/callbacks/at1"})
	}
	if diff := cmp.Diff(map[string]int{"at1": 2}, f.PaidByCallback()); diff != "" {
		t.Errorf("paid by callback (-want +got):\n%s", diff)
	}
}

func TestHealthz(t *testing.T) {
	f := newFixture(t, Options{})
	if got := f.call(http.MethodGet, "/healthz", "", func(r *http.Request) { r.Header = nil }); got.Status != 200 {
		t.Errorf("HTTP %d, want 200", got.Status)
	}
}

func TestNextEvent(t *testing.T) {
	f := newFixture(t, Options{})
	r := f.newReceiver(500)
	if next, ok := f.NextEvent(); ok {
		t.Fatalf("an idle simulator expects something at %v", next)
	}
	f.accept(fields{"prompt": "[sim:latency=10s]"})
	f.accept(fields{"prompt": "[sim:latency=4s][sim:callback=late=1s]", "callBackUrl": r.url("at1")})
	var got []time.Duration
	for next, ok := f.NextEvent(); ok; next, ok = f.NextEvent() {
		got = append(got, next.Sub(epoch))
		f.clock.set(next)
		f.Deliver(t.Context())
	}
	want := []time.Duration{4 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events after (-want +got):\n%s", diff)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	cases := map[string]struct {
		options Options
		names   string
	}{
		"HTTP status mode": {Options{HTTPStatusMode: "x"}, "body, real or mixed"},
		"unknown record":   {Options{UnknownRecord: "x"}, "422, null, 404, record-is-null or does-not-exist"},
		"credits":          {Options{Credits: -1}, "credits"},
		"price":            {Options{Prices: map[string]float64{"veo3": -1}}, "price of veo3"},
		"priced item":      {Options{Prices: map[string]float64{"veo4": 1}}, "veo4"},
		"high resolution":  {Options{HighResolution: "x"}, "direct or 720p"},
		"upload retention": {Options{UploadRetention: -1}, "upload retention"},
		"rate window":      {Options{RateWindow: -1}, "rate window"},
		"public URL":       {Options{PublicURL: "sim:8090"}, "sim:8090"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if err := test.options.Validate(); err == nil || !strings.Contains(err.Error(), test.names) {
				t.Errorf("error is %v, want one with %q", err, test.names)
			}
			defer func() {
				if recover() == nil {
					t.Error("New did not panic")
				}
			}()
			New(test.options)
		})
	}
}

// playOutUntil moves the clock and delivers what is due by then.
func (f *fixture) playOutUntil(after time.Duration) {
	f.t.Helper()
	f.clock.set(epoch.Add(after))
	f.Deliver(f.t.Context())
}

func TestStateOfUpgrades(t *testing.T) {
	f := newFixture(t, Options{UpgradeLatency: time.Minute})
	r := f.newReceiver(500, 500, 500, 500)
	first := f.made(fields{"prompt": "[sim:1080p-latency=1s]"})
	second := f.made(fields{"prompt": "[sim:4k-id=new][sim:4k-fail=500]"})
	var hooked []Upgrade
	f.SetOnUpgradeAccepted(func(u Upgrade) { hooked = append(hooked, u) })
	f.get1080p(first)
	for range 2 {
		f.get4K(fields{"taskId": first})
		f.get4K(fields{"taskId": second, "callBackUrl": r.url("up1") + "?x=/y"})
	}
	start := epoch.Add(10 * time.Second)
	want := []Upgrade{
		{TaskID: first, Resolution: "1080p", ID: first, Credits: 5, State: TaskRunning, CreatedAt: start},
		{TaskID: first, Resolution: "4k", ID: first, Credits: 120, State: TaskRunning, CreatedAt: start},
		{TaskID: second, Resolution: "4k", ID: f.upgrades()[2].id, Attempt: "up1", Credits: 120, State: TaskRunning, CreatedAt: start},
	}
	if diff := cmp.Diff(want, hooked); diff != "" {
		t.Errorf("upgrades of the hook (-want +got):\n%s", diff)
	}

	f.clock.advance(time.Second)
	want[0].State, want[0].FinishedAt = TaskSucceeded, start.Add(time.Second)
	if diff := cmp.Diff(want, f.State().Upgrades); diff != "" {
		t.Errorf("upgrades after a second (-want +got):\n%s", diff)
	}
	f.playOut()
	want[1].State, want[1].FinishedAt = TaskSucceeded, start.Add(time.Minute)
	want[2].State, want[2].FinishedAt, want[2].CallbackStatus = TaskFailed, start.Add(time.Minute), 500
	state := f.State()
	if diff := cmp.Diff(want, state.Upgrades); diff != "" {
		t.Errorf("upgrades (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{first: 2, second: 1}, f.PaidUpgradesByBase()); diff != "" {
		t.Errorf("paid upgrades (-want +got):\n%s", diff)
	}
	if state.PaidUpgrades != 3 || state.PaidTasks != 2 || state.Balance != 10000-2*60-5-120 || state.Callbacks.Refused != 4 {
		t.Errorf("state is %+v", state)
	}
	if diff := cmp.Diff(map[string]int{"generate": 2, "get-1080p-video": 1, "get-4k-video": 4}, state.Requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	var decoded State
	if err := json.Unmarshal([]byte(f.call(http.MethodGet, "/_sim/state", "").Body), &decoded); err != nil {
		t.Fatalf("the served state is not JSON: %v", err)
	}
	if diff := cmp.Diff(state, decoded); diff != "" {
		t.Errorf("served state (-want +got):\n%s", diff)
	}
}
