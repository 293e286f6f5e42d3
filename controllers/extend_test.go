// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

func extending(name string) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.Extend = &v1alpha1.Extend{From: v1alpha1.SourceReference{Name: name}}
	}
}

// extension is a resource that continues another one.
func extension(name, from string, changes ...func(*v1alpha1.VideoGeneration)) *v1alpha1.VideoGeneration {
	return video(name, append([]func(*v1alpha1.VideoGeneration){extending(from)}, changes...)...)
}

func TestSourceOf(t *testing.T) {
	succeeded := func(vg *v1alpha1.VideoGeneration) {
		vg.Status.Task = task(v1alpha1.TaskSucceeded, testTaskID)
		vg.Status.Account = identity("films", "default")
		vg.Status.Videos = []v1alpha1.Video{{URL: "https://example.com/v.mp4", Resolution: "720p"}}
	}
	long := func(n int) (chain []*v1alpha1.VideoGeneration) {
		for i := range n - 1 {
			chain = append(chain, extension(fmt.Sprintf("part-%d", n-i), fmt.Sprintf("part-%d", n-i-1), succeeded))
		}
		return append(chain, video("part-1", succeeded))
	}
	me := extension("me", "source")
	for _, tt := range []struct {
		reason string
		chain  []*v1alpha1.VideoGeneration
		found  bool
		why    string
		kind   waitKind
		says   string
	}{
		{"it does not exist yet", nil, false, v1alpha1.ReasonWaitingForSource, progressing, "does not exist yet"},
		{"it is not bought yet", []*v1alpha1.VideoGeneration{video("source")}, false, v1alpha1.ReasonWaitingForSource, progressing, "not finished yet"},
		{"it is being made", []*v1alpha1.VideoGeneration{video("source", with(task(v1alpha1.TaskRunning, testTaskID)))}, false, v1alpha1.ReasonWaitingForSource, progressing, "not finished yet"},
		{"it is finished", []*v1alpha1.VideoGeneration{video("source", succeeded)}, true, "", progressing, ""},
		{"it has failed", []*v1alpha1.VideoGeneration{video("source", with(failed(v1alpha1.ReasonContentRejected, testTaskID)))}, false, v1alpha1.ReasonSourceFailed, stalled, "has failed"},
		{"it is tried again", []*v1alpha1.VideoGeneration{video("source", with(failed(v1alpha1.ReasonGenerationFailed, testTaskID)), func(vg *v1alpha1.VideoGeneration) {
			vg.Spec.Retry.MaxAttempts, vg.Status.Task.Failure.Code = 2, ptr.To[int32](501)
		})},
			false, v1alpha1.ReasonWaitingForSource, progressing, "not finished yet"},
		{"it cannot come further", []*v1alpha1.VideoGeneration{video("source", func(vg *v1alpha1.VideoGeneration) {
			vg.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue}}
		})}, false, v1alpha1.ReasonSourceFailed, stalled, "has failed"},
		{"it asks for more than 720p", []*v1alpha1.VideoGeneration{video("source", in(v1alpha1.Resolution4K))}, false, v1alpha1.ReasonSourceFailed, stalled, "give the resolution to the last part only"},
		{"it was made in more than 720p", []*v1alpha1.VideoGeneration{video("source", succeeded, func(vg *v1alpha1.VideoGeneration) { vg.Status.Videos[0].Resolution = "1080p" })},
			false, v1alpha1.ReasonSourceFailed, stalled, "made source in 1080p"},
		{"it was made by another API", []*v1alpha1.VideoGeneration{video("source", succeeded, ofMarket)}, false, v1alpha1.ReasonSourceFailed, stalled, "does not continue"},
		{"a circle of two", []*v1alpha1.VideoGeneration{extension("source", "me"), me}, false, v1alpha1.ReasonInvalidSource, stalled, "circle"},
		{"a circle further down", []*v1alpha1.VideoGeneration{extension("source", "b"), extension("b", "source"), extension("source", "b")}, false, v1alpha1.ReasonInvalidSource, stalled, "circle"},
		{"the twentieth extension", long(20), true, "", progressing, ""},
		{"the one after that", long(21), false, v1alpha1.ReasonInvalidSource, stalled, "20 times at most"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			source, w := sourceOf(me, tt.chain)
			if (source != nil) != tt.found || w.reason != tt.why || w.kind != tt.kind || !strings.Contains(w.message, tt.says) {
				t.Errorf("the source is %+v, the wait %+v; want found %v, reason %q, kind %d, a message with %q", source, w, tt.found, tt.why, tt.kind, tt.says)
			}
			if source != nil && (source.TaskID != testTaskID || source.Account != identity("films", "default") || source.Name != "source") {
				t.Errorf("the source is %+v", source)
			}
		})
	}
}

// A chain of five that is applied in the wrong order completes, each part once,
// each from the task before it.
func TestAChain(t *testing.T) {
	for _, markers := range []string{"", "[sim:extend-urls=full]", "[sim:extend-urls=result]"} {
		t.Run(markers, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			for _, part := range []int{4, 2, 5, 3, 1} {
				change := []func(*v1alpha1.VideoGeneration){prompt(markers)}
				if part > 1 {
					change = append(change, extending(fmt.Sprintf("part-%d", part-1)))
				}
				w.create(fmt.Sprintf("part-%d", part), change...)
			}
			w.run(2 * time.Hour)
			w.wantPaid(5)
			w.wantBalance(5 * 60)
			byAttempt := map[string]kiesim.Task{}
			for _, bought := range w.sim.State().Tasks {
				byAttempt[bought.Attempt] = bought
			}
			for part := 1; part <= 5; part++ {
				vg := w.wantReady(fmt.Sprintf("part-%d", part), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				bought := byAttempt[vg.Status.Task.Attempt]
				if part == 1 {
					continue
				}
				before := w.get(fmt.Sprintf("part-%d", part-1))
				if bought.Extends != before.Status.Task.ID || vg.Status.Source.TaskID != before.Status.Task.ID || vg.Status.Task.Operation != v1alpha1.OperationExtend {
					t.Errorf("part %d continues task %s (its status says %+v), want %s", part, bought.Extends, vg.Status.Source, before.Status.Task.ID)
				}
				whole := vg.Status.Videos[0].Duration.Duration > 8500*time.Millisecond
				if stepOnly := strings.Contains(markers, "result"); len(vg.Status.Videos) != 1 || whole == stepOnly {
					t.Errorf("part %d has the videos %+v, want the whole film wherever KIE.AI gives it", part, vg.Status.Videos)
				}
			}
		})
	}
}

// Those that wait for a video are not in its way, however old they are and
// however few videos the account makes at a time.
func TestExtensionsDoNotBlockTheirSource(t *testing.T) {
	w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{Submissions: 1, InFlight: 1}})
	for i := range 4 {
		w.create(fmt.Sprintf("a-extension-%d", i), extending("z-source"))
	}
	w.pass(2 * time.Second)
	w.wantReady("a-extension-0", metav1.ConditionUnknown, v1alpha1.ReasonWaitingForSource)
	w.create("z-source")
	w.run(3 * time.Hour)
	for i := range 4 {
		w.wantReady(fmt.Sprintf("a-extension-%d", i), metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	}
	w.wantPaid(5)
}

func TestExtensions(t *testing.T) {
	t.Run("the source is refused", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source", prompt("[sim:fail=400]"))
		w.create("video", extending("source"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.wantPaid(1)
	})
	t.Run("the source fails and is bought again", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.create("source", prompt("[sim:fail=501]"))
		w.create("video", extending("source"))
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.update("source", resubmit)
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.wantPaid(2)
	})
	t.Run("a circle", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("a", extending("b"))
		w.create("b", extending("a"))
		w.run(time.Hour)
		w.wantReady("a", metav1.ConditionFalse, v1alpha1.ReasonInvalidSource)
		w.wantReady("b", metav1.ConditionFalse, v1alpha1.ReasonInvalidSource)
		w.wantPaid(0)
	})
	t.Run("the source is deleted after it was found", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.run(time.Hour)
		w.create("video", extending("source"), func(vg *v1alpha1.VideoGeneration) { suspended := true; vg.Spec.Suspend = &suspended })
		w.pass(0)
		w.must(w.live.Delete(t.Context(), w.get("source")))
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("KIE.AI does not know the source", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.run(time.Hour)
		w.create("video", extending("source"), func(vg *v1alpha1.VideoGeneration) { suspended := true; vg.Spec.Suspend = &suspended })
		w.pass(0)
		w.clock.SetTime(w.clock.Now().Add(15 * 24 * time.Hour))
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSourceFailed)
		w.wantPaid(1)
	})
	t.Run("another account is asked for", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.run(time.Hour)
		w.create("video", extending("source"), func(vg *v1alpha1.VideoGeneration) { vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"} })
		w.run(time.Minute)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountMismatch)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.AccountRef = nil })
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	t.Run("in 4k", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("source")
		w.create("video", extending("source"), in(v1alpha1.Resolution4K))
		w.run(2 * time.Hour)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		if len(vg.Status.Videos) != 2 || vg.Status.Videos[0].Resolution != "4k" {
			t.Errorf("the videos are %+v", vg.Status.Videos)
		}
		w.wantBalance(60 + 60 + 120)
	})
	for _, lost := range []string{"drop", "500", "code-500", "garbage", "no-task-id"} {
		t.Run("the answer is lost: "+lost, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("source")
			w.create("video", extending("source"), prompt("[sim:accept-then="+lost+"]"))
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(2)
		})
	}
}
