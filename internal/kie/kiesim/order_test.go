// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask sends a request for an upgrade. It takes a new connection: if one that was
// used before breaks, the client of Go sends a GET again by itself.
func (f *fixture) ask(ctx context.Context, resolution, id string) lost {
	f.t.Helper()
	f.client.CloseIdleConnections()
	var got answer
	var err error
	if resolution == resolution1080p {
		got, err = f.do(ctx, http.MethodGet, "/api/v1/veo/get-1080p-video?taskId="+id, "")
	} else {
		got, err = f.do(ctx, http.MethodPost, "/api/v1/veo/get-4k-video", fields{"taskId": id}.json())
	}
	return lost{Status: got.Status, Body: got.Body, Broken: err != nil}
}

func TestUpgradeAcceptedButTheAnswerIsLost(t *testing.T) {
	cases := map[AcceptThen]lost{
		AcceptThenDrop:     {Broken: true},
		AcceptThen500:      {Status: 500, Body: serverError},
		AcceptThen502:      {Status: 502, Body: "<html><body><h1>502 Bad Gateway</h1></body></html>"},
		AcceptThenCode500:  {Status: 200, Body: serverError},
		AcceptThenGarbage:  {Status: 200, Body: "\x00 upstream"},
		AcceptThenNoTaskID: {Status: 200, Body: `{"code":200,"msg":"success","data":{}}`},
		AcceptThenHang:     {Broken: true},
	}
	for _, resolution := range []string{resolution1080p, resolution4K} {
		for then, want := range cases {
			t.Run(resolution+" "+string(then), func(t *testing.T) {
				f := newFixture(t, Options{})
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				if then == AcceptThenHang {
					f.SetOnUpgradeAccepted(func(Upgrade) { giveUp() })
				}
				id := f.made(fields{"prompt": "[sim:" + resolution + "-accept-then=" + string(then) + "]"})
				if diff := cmp.Diff(want, f.ask(ctx, resolution, id)); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(map[string]int{id: 1}, f.PaidUpgradesByBase()); diff != "" {
					t.Errorf("paid upgrades (-want +got):\n%s", diff)
				}
				f.clock.advance(5 * time.Second)
				if again := f.ask(t.Context(), resolution, id); again.Broken || again.Status != 200 || again.Body == want.Body {
					t.Errorf("asked again it answers %+v", again)
				}
				if got := f.State(); got.PaidUpgrades != 1 || got.Upgrades[0].State != TaskSucceeded {
					t.Errorf("upgrades are %+v", got.Upgrades)
				}
			})
		}
	}
}

func TestUpgradeNotAccepted(t *testing.T) {
	cases := map[string]lost{
		"refuse-then=drop": {Broken: true},
		"refuse-then=500":  {Status: 500, Body: serverError},
		"submit=403":       {Status: 403, Body: "error code: 1010"},
		"submit=429":       {Status: 200, Body: `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`},
		"submit=455":       {Status: 200, Body: `{"code":455,"msg":"The system is currently undergoing maintenance","data":null}`},
	}
	for _, resolution := range []string{resolution1080p, resolution4K} {
		for fate, want := range cases {
			t.Run(resolution+" "+fate, func(t *testing.T) {
				f := newFixture(t, Options{})
				id := f.made(fields{"prompt": "[sim:" + resolution + "-" + fate + "]"})
				if diff := cmp.Diff(want, f.ask(t.Context(), resolution, id)); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if f.State().PaidUpgrades != 0 || f.balance() != 10000-60 {
					t.Errorf("%d upgrades were paid and %v credits are left", f.State().PaidUpgrades, f.balance())
				}
			})
		}
	}
}

func TestUpgradeWithoutCredits(t *testing.T) {
	for resolution, price := range map[string]float64{resolution1080p: 5, resolution4K: 120} {
		t.Run(resolution, func(t *testing.T) {
			f := newFixture(t, Options{})
			id := f.made(fields{"prompt": "a"})
			f.SetCredits(price - 0.01)
			want := lost{Status: 200, Body: `{"code":402,"msg":"The current credits are insufficient. Please top up.","data":null}`}
			if diff := cmp.Diff(want, f.ask(t.Context(), resolution, id)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			f.SetCredits(price)
			f.ask(t.Context(), resolution, id)
			if f.State().PaidUpgrades != 1 || f.balance() != 0 {
				t.Errorf("%d upgrades were paid and %v credits are left, want 1 and 0", f.State().PaidUpgrades, f.balance())
			}
		})
	}
}

func TestUpgradeIsPaidOnceUnderConcurrency(t *testing.T) {
	f := newFixture(t, Options{})
	id := f.made(fields{"prompt": "a"})
	var clients sync.WaitGroup
	for range 20 {
		for _, resolution := range []string{resolution1080p, resolution4K} {
			clients.Go(func() { f.ask(t.Context(), resolution, id) })
		}
	}
	clients.Wait()
	if diff := cmp.Diff(map[string]int{id: 2}, f.PaidUpgradesByBase()); diff != "" {
		t.Errorf("paid upgrades (-want +got):\n%s", diff)
	}
	if f.balance() != 10000-60-5-120 {
		t.Errorf("balance is %v", f.balance())
	}
}

// TestFateOfAnUpgradeIsThatOfItsTime checks that SetFaults reaches upgrades of tasks
// that are there already, and that markers of the task's prompt go first.
func TestFateOfAnUpgradeIsThatOfItsTime(t *testing.T) {
	f := newFixture(t, Options{})
	plain := f.made(fields{"prompt": "a"})
	marked := f.made(fields{"prompt": "[sim:4k-id=new]"})
	f.SetFaults(Faults{Fail: 501, Upgrade4K: &Faults{Submit: 455, Latency: time.Hour}})
	if got := f.get4K(fields{"taskId": plain}); got.Code != 455 {
		t.Errorf("under maintenance the answer is %s", got.Body)
	}
	f.SetFaults(Faults{Upgrade4K: &Faults{Latency: time.Hour}})
	for _, id := range []string{marked, plain} {
		f.get4K(fields{"taskId": id})
	}
	f.SetFaults(Faults{})
	got := f.State().Upgrades
	if len(got) != 2 || got[0].ID == marked || got[1].ID != plain {
		t.Errorf("upgrades are %+v", got)
	}
	f.clock.advance(time.Minute)
	if got := f.get4K(fields{"taskId": plain}); got.Msg != "4k is processing. It should be ready in 5-10 minutes. Please check back shortly." {
		t.Errorf("the upgrade has forgotten its fate: %s", got.Body)
	}
}
