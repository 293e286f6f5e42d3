// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

// An upgrade that the balance does not cover keeps nobody else from buying.
func TestAnUpgradeShortOfCreditsBlocksNobody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("big", fixture.In(v1alpha1.Resolution4K))
	w.run(30 * time.Second)
	w.sim.SetCredits(70)
	w.run(5 * time.Minute)
	w.wantReady("big", metav1.ConditionUnknown, "InsufficientCredits")
	w.create("small")
	w.run(10 * time.Minute)
	w.wantReady("small", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.sim.SetCredits(1000)
	w.run(time.Hour)
	w.wantReady("big", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// The credits for upgrades that are still to be asked for are not sold to others.
func TestCreditsForUpgradesAreKept(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sim.SetCredits(200)
	w.create("big", fixture.In(v1alpha1.Resolution4K))
	w.run(30 * time.Second)
	w.create("small")
	w.run(time.Hour)
	w.wantReady("big", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantReady("small", metav1.ConditionUnknown, "InsufficientCredits")
}

// wantUpgrades asserts how many upgrades were paid for, each base at most once.
func (w *world) wantUpgrades(want int) {
	w.t.Helper()
	sold := w.sim.State()
	if sold.PaidUpgrades != want {
		w.t.Errorf("%d upgrades were paid for, want %d", sold.PaidUpgrades, want)
	}
	var bases []string
	for _, u := range sold.Upgrades {
		if slices.Contains(bases, u.TaskID+u.Resolution) {
			w.t.Errorf("the %s version of task %s was paid for twice", u.Resolution, u.TaskID)
		}
		bases = append(bases, u.TaskID+u.Resolution)
	}
}

// wantBalance asserts that the balance has fallen by exactly so many credits.
func (w *world) wantBalance(spent float64) {
	w.t.Helper()
	if got := 10000 - w.sim.State().Balance; got != spent {
		w.t.Errorf("the balance has fallen by %v credits, want %v", got, spent)
	}
}

// Each form of the answers about an upgrade ends in the larger video beside the
// first one, with and without callbacks.
func TestUpgrades(t *testing.T) {
	for _, tt := range []struct {
		name       string
		resolution v1alpha1.Resolution
		markers    string
		sim        kiesim.Options
	}{
		{name: "1080p", resolution: v1alpha1.Resolution1080p},
		{name: "1080p, not ready is 422", resolution: v1alpha1.Resolution1080p, markers: "[sim:1080p-not-ready=422]"},
		{name: "1080p, not ready is 500", resolution: v1alpha1.Resolution1080p, markers: "[sim:1080p-not-ready=500]"},
		{name: "1080p, not ready is 400 over HTTP", resolution: v1alpha1.Resolution1080p, sim: kiesim.Options{HTTPStatusMode: kiesim.HTTPStatusReal}},
		{name: "1080p, not ready is 500 over HTTP", resolution: v1alpha1.Resolution1080p, markers: "[sim:1080p-not-ready=500]", sim: kiesim.Options{HTTPStatusMode: kiesim.HTTPStatusMixed}},
		{name: "1080p in result_url", resolution: v1alpha1.Resolution1080p, markers: "[sim:1080p-url=result_url]"},
		{name: "1080p, the first answer is lost", resolution: v1alpha1.Resolution1080p, markers: "[sim:1080p-accept-then=drop]"},
		{name: "1080p, the first answer is HTTP 500", resolution: v1alpha1.Resolution1080p, markers: "[sim:1080p-accept-then=500]"},
		{name: "1080p, upright", resolution: v1alpha1.Resolution1080p, markers: "[sim:urls=json]"},
		{name: "4k", resolution: v1alpha1.Resolution4K},
		{name: "4k with a new id", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-id=new]"},
		{name: "4k over HTTP 422", resolution: v1alpha1.Resolution4K, sim: kiesim.Options{HTTPStatusMode: kiesim.HTTPStatusReal}},
		{name: "4k in snake case", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-snake=answer] [sim:4k-id=new]"},
		{name: "4k, callback in snake case", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-snake=callback] [sim:4k-id=new]"},
		{name: "4k, the first answer is lost", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-accept-then=drop]"},
		{name: "4k, the first answer is garbage", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-accept-then=garbage]"},
		{name: "4k, the first answer is HTTP 502", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-accept-then=502]"},
		{name: "4k, never called back", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-callback=never]"},
		{name: "4k, called back twice", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-callback=twice]"},
		{name: "4k, called back early", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-callback=early] [sim:4k-latency=6m]"},
		{name: "4k, the callback lies of success", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-callback=forged]"},
		{name: "4k, the callback lies of failure", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-callback=forged-failure]"},
		{name: "4k, the callback is badly signed", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-callback=bad-signature]"},
		{name: "4k, URLs in brackets", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-urls=brackets]"},
		{name: "4k, slow", resolution: v1alpha1.Resolution4K, markers: "[sim:4k-latency=12m]"},
		{name: "4k, success flag lags", resolution: v1alpha1.Resolution4K, markers: "[sim:lag=90s]"},
	} {
		for _, noCallbacks := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{false: "/callbacks", true: "/polling"}[noCallbacks], func(t *testing.T) {
				w := newWorld(t, worldOptions{sim: tt.sim, noCallbacks: noCallbacks})
				w.create("video", fixture.In(tt.resolution), prompt(tt.markers))
				w.run(2 * time.Hour)
				vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				w.wantPaid(1)
				w.wantUpgrades(1)
				price := map[v1alpha1.Resolution]float64{v1alpha1.Resolution1080p: 65, v1alpha1.Resolution4K: 180}[tt.resolution]
				w.wantBalance(price)
				if videos := vg.Status.Videos; len(videos) != 2 || videos[0].Resolution != string(tt.resolution) || videos[1].Resolution != "720p" || videos[0].URL == videos[1].URL {
					t.Fatalf("the videos are %+v, want the larger one and then the first one", vg.Status.Videos)
				}
				if short := min(vg.Status.Videos[0].Width, vg.Status.Videos[0].Height); state.RankOf(vg.Status.Videos[0]) != state.Rank(string(tt.resolution)) || short == 0 {
					t.Errorf("the file of the larger video is %d×%d", vg.Status.Videos[0].Width, vg.Status.Videos[0].Height)
				}
				if up := vg.Status.Upgrade; up.State != v1alpha1.UpgradeSucceeded || up.CompletedAt == nil || up.CreditsConsumed == "" {
					t.Errorf("the upgrade is %+v", up)
				}
				task, taskErr := credits.Parse(vg.Status.Task.CreditsConsumed)
				upgrade, upgradeErr := credits.Parse(vg.Status.Upgrade.CreditsConsumed)
				if want := credits.Of(int64(price)); vg.Status.EstimatedCredits != want.String() || taskErr != nil || upgradeErr != nil || task.Plus(upgrade) != want {
					t.Errorf("the estimate was %s, the consumption is %s and %s; want %v", vg.Status.EstimatedCredits, vg.Status.Task.CreditsConsumed, vg.Status.Upgrade.CreditsConsumed, price)
				}
				// A finished resource costs nothing.
				version, asked := vg.ResourceVersion, w.sim.State().Requests["get-4k-video"]+w.sim.State().Requests["get-1080p-video"]
				w.pass(24 * time.Hour)
				if after := w.sim.State().Requests; w.get("video").ResourceVersion != version || after["get-4k-video"]+after["get-1080p-video"] != asked {
					t.Error("the finished resource was written to, or KIE.AI was asked about it")
				}
			})
		}
	}
}

// While the larger version is made, the first one is there and the resource is
// on its way.
func TestWhileAnUpgradeIsMade(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", fixture.In(v1alpha1.Resolution4K), prompt("[sim:4k-latency=10m]"))
	w.run(5 * time.Minute)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonUpgrading)
	if len(vg.Status.Videos) != 1 || vg.Status.Upgrade == nil || vg.Status.Upgrade.State != v1alpha1.UpgradeRunning {
		t.Errorf("the videos are %+v, the upgrade %+v", vg.Status.Videos, vg.Status.Upgrade)
	}
	if got := *w.account().Status.InFlight; got != 1 {
		t.Errorf("%d videos are in flight, want 1", got)
	}
	if asked := w.sim.State().Requests["get-4k-video"]; asked > 7 {
		t.Errorf("KIE.AI was asked %d times in five minutes, want about once a minute", asked)
	}
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// A failed upgrade keeps the first video, says so, and can be asked for again.
func TestAFailedUpgrade(t *testing.T) {
	for _, tt := range []struct {
		name       string
		resolution v1alpha1.Resolution
		markers    string
		message    string
	}{
		{"1080p cannot be made", v1alpha1.Resolution1080p, "[sim:1080p-fail=422]", "there is no 1080p version"},
		{"1080p is never ready", v1alpha1.Resolution1080p, "[sim:1080p-never-finish]", "raise spec.timeout"},
		{"1080p is refused", v1alpha1.Resolution1080p, "[sim:1080p-submit=451]", "there is no 1080p version"},
		{"4k cannot be made", v1alpha1.Resolution4K, "[sim:4k-fail=500]", "there is no 4k version"},
		{"4k cannot be made, with another code", v1alpha1.Resolution4K, "[sim:4k-fail=422]", "there is no 4k version"},
		{"4k cannot be made, and the callback has no data", v1alpha1.Resolution4K, "[sim:4k-fail=500] [sim:4k-failure-data=null]", "there is no 4k version"},
		{"4k is never ready", v1alpha1.Resolution4K, "[sim:4k-never-finish]", "raise spec.timeout"},
		{"4k is refused", v1alpha1.Resolution4K, "[sim:4k-submit=505]", "there is no 4k version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", fixture.In(tt.resolution), prompt(tt.markers))
			w.run(3 * time.Hour)
			vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonUpgradeFailed)
			if len(vg.Status.Videos) != 1 || vg.Status.Videos[0].Resolution != "720p" || vg.Status.Task.State != v1alpha1.TaskSucceeded {
				t.Errorf("the videos are %+v, want the first one", vg.Status.Videos)
			}
			message := vg.Status.Conditions[0].Message
			for _, part := range []string{tt.message, "the 720p video is in status.videos", vg.Status.Upgrade.Attempt} {
				if !strings.Contains(message, part) {
					t.Errorf("the message lacks %q: %s", part, message)
				}
			}
			w.wantPaid(1)
			// Asking again names the upgrade, buys no other video, and ends the same way.
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationResubmit, vg.Status.Upgrade.Attempt)
			})
			w.run(3 * time.Hour)
			again := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonUpgradeFailed)
			if again.Status.Upgrade.Attempt == vg.Status.Upgrade.Attempt {
				t.Error("the upgrade was not asked for again")
			}
			w.wantPaid(1)
		})
	}
}

// Trouble on the way to an upgrade passes.
func TestAnUpgradeInTrouble(t *testing.T) {
	t.Run("credits are short", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution4K))
		w.run(30 * time.Second)
		w.sim.SetCredits(50)
		w.run(5 * time.Minute)
		vg := w.wantReady("video", metav1.ConditionUnknown, "InsufficientCredits")
		if len(vg.Status.Videos) != 1 {
			t.Errorf("the videos are %+v, want the first one", vg.Status.Videos)
		}
		w.sim.SetCredits(500)
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantUpgrades(1)
	})
	t.Run("it takes longer than the timeout, which is raised", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:1080p-latency=50m]"))
		w.run(40 * time.Minute)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonUpgradeFailed)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 2 * time.Hour} })
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantUpgrades(1)
	})
	t.Run("the callback comes after it was given up", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution4K), prompt("[sim:4k-latency=50m]"))
		w.run(40 * time.Minute)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonUpgradeFailed)
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("suspended between the video and its upgrade", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution4K))
		w.pass(time.Second)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.run(2 * time.Hour)
		vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonSuspended)
		if len(vg.Status.Videos) != 1 {
			t.Errorf("the videos are %+v, want the first one: suspend does not stop the observation", vg.Status.Videos)
		}
		w.wantUpgrades(0)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantUpgrades(1)
	})
	t.Run("the process dies while it is made", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:1080p-latency=3m]"))
		w.run(3 * time.Minute)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonUpgrading)
		w.restart()
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantUpgrades(1)
	})
}

// A video that the fallback model made is not enlarged, and that is said before
// it is tried.
func TestAFallbackVideoIsNotEnlarged(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", fixture.In(v1alpha1.Resolution1080p), prompt("[sim:fallback=used]"), func(vg *v1alpha1.VideoGeneration) { vg.Spec.EnableFallback = ptr.To(true) })
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonUpgradeFailed)
	if len(vg.Status.Videos) != 1 || !strings.Contains(vg.Status.Conditions[0].Message, "fallback model") {
		t.Errorf("the videos are %+v, the message %s", vg.Status.Videos, vg.Status.Conditions[0].Message)
	}
	if asked := w.sim.State().Requests["get-1080p-video"]; asked != 0 {
		t.Errorf("KIE.AI was asked %d times for what it does not make", asked)
	}
	if !slices.ContainsFunc(w.events, func(e string) bool { return strings.HasPrefix(e, "Warning FallbackUsed") }) {
		t.Errorf("no event tells of the fallback: %v", w.events)
	}
}

// What KIE.AI makes in the resolution that was asked for needs no upgrade; what
// it makes in another resolution or length is said.
func TestWhatDiffersIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(*v1alpha1.VideoGeneration)
		markers  string
		reason   string
		upgrades int
	}{
		{name: "as asked", change: func(vg *v1alpha1.VideoGeneration) { vg.Spec.DurationSeconds = ptr.To[int32](6) }},
		{name: "1080p right away", change: fixture.In(v1alpha1.Resolution1080p), markers: "[sim:deliver=1080p]"},
		{name: "larger than asked", change: fixture.In(v1alpha1.Resolution720p), markers: "[sim:deliver=1080p]", reason: v1alpha1.ReasonResolutionDiffers},
		{name: "even larger", change: fixture.In(v1alpha1.Resolution1080p), markers: "[sim:deliver=4k]", reason: v1alpha1.ReasonResolutionDiffers},
		{name: "not large enough", change: fixture.In(v1alpha1.Resolution4K), markers: "[sim:deliver=1080p]", upgrades: 1},
		{name: "shorter than asked", change: func(vg *v1alpha1.VideoGeneration) { vg.Spec.DurationSeconds = ptr.To[int32](8) }, markers: "[sim:deliver-seconds=4]", reason: v1alpha1.ReasonDurationDiffers},
		{name: "no length was asked for", change: fixture.In(v1alpha1.Resolution720p), markers: "[sim:deliver-seconds=4]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", tt.change, prompt(tt.markers))
			w.run(2 * time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			got := ""
			for _, c := range vg.Status.Conditions {
				if c.Type == v1alpha1.ConditionDiffersFromSpec {
					got = c.Reason
				}
			}
			if got != tt.reason {
				t.Errorf("DiffersFromSpec is %q, want %q; the video is %+v", got, tt.reason, vg.Status.Videos[0])
			}
			said := slices.ContainsFunc(w.events, func(e string) bool { return strings.HasPrefix(e, "Warning "+tt.reason) })
			if tt.reason != "" && !said {
				t.Errorf("no event says so: %v", w.events)
			}
			w.wantUpgrades(tt.upgrades)
		})
	}
}

// The questions to KIE.AI are disturbed, too: the process dies when an upgrade
// was accepted, and before that is answered.
func TestTheProcessDiesWhenAnUpgradeIsAccepted(t *testing.T) {
	for _, resolution := range []v1alpha1.Resolution{v1alpha1.Resolution1080p, v1alpha1.Resolution4K} {
		t.Run(string(resolution), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.sim.SetOnUpgradeAccepted(func(kiesim.Upgrade) { w.dies.Store(true) })
			w.create("video", fixture.In(resolution))
			w.run(3 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			w.wantUpgrades(1)
		})
	}
}
