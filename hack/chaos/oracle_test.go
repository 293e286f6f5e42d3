// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// one is a video that was bought once and has succeeded, with the given kind.
func one(k kind) (video, *v1alpha1.VideoGeneration, evidence) {
	v := video{name: types.NamespacedName{Namespace: "chaos-0", Name: "video-1"}, account: "account-0", kind: k, attempts: 1}
	vg := v.resource()
	vg.UID = "uid-1"
	vg.Status.Task = &v1alpha1.Task{Attempt: "attempt-1", Number: 1, ID: "task-1", State: v1alpha1.TaskSucceeded}
	setReady(vg, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	return v, vg, evidence{
		videos:    []video{v},
		gone:      map[types.NamespacedName]bool{},
		resources: map[types.NamespacedName]*v1alpha1.VideoGeneration{v.name: vg},
		tasks:     []bought{taskOf(v, "task-1", "attempt-1", kiesim.TaskSucceeded)},
		arrivals:  map[string]arrival{"attempt-1": {account: v.account, prompt: v.prompt()}},
		books:     map[string][]period{v.account: {{spent: credits.Of(60)}}},
		events:    map[types.UID]map[string]bool{},
		answers:   map[string][]int{"attempt-1": {200}},
		fullest:   map[string]int{"account-0": 20},
	}
}

// taskOf is a task that was bought for a video.
func taskOf(v video, id, attempt string, state kiesim.TaskState) bought {
	return bought{kiesim.Task{ID: id, Attempt: attempt, Prompt: v.prompt(), State: state, Credits: 60}, v.account}
}

func setReady(vg *v1alpha1.VideoGeneration, status metav1.ConditionStatus, reason string) {
	vg.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: "a sentence"}}
	switch status {
	case metav1.ConditionFalse:
		vg.Status.Conditions = append(vg.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue})
	case metav1.ConditionUnknown:
		vg.Status.Conditions = append(vg.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue})
	}
}

// keepBooks lets the books say that all was spent that was paid for, and lets each
// resource have the Event of its reason.
func (e *evidence) keepBooks() {
	e.books = map[string][]period{}
	for _, task := range e.tasks {
		e.books[task.account] = append(e.books[task.account], period{spent: priced(task.Credits)})
	}
	for _, vg := range e.resources {
		_, reason := reasonOf(vg)
		e.events[vg.UID] = map[string]bool{reason: true}
	}
}

// giveUp makes the resource one whose purchase had no answer.
func giveUp(vg *v1alpha1.VideoGeneration) {
	vg.Status.Task = &v1alpha1.Task{Attempt: "attempt-1", State: v1alpha1.TaskFailed, Failure: &v1alpha1.TaskFailure{Reason: v1alpha1.ReasonSubmissionUnknown}}
	setReady(vg, metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
}

func fail(vg *v1alpha1.VideoGeneration, reason string) {
	vg.Status.Task.State, vg.Status.Task.Failure = v1alpha1.TaskFailed, &v1alpha1.TaskFailure{Reason: reason}
	setReady(vg, metav1.ConditionFalse, reason)
}

// foundBy lists the categories in which the oracle has found something.
func foundBy(f *findings) string {
	var found []string
	for _, c := range f.violations() {
		if len(c.offenders) > 0 {
			found = append(found, c.name)
		}
	}
	return strings.Join(found, ", ")
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind kind
		// change makes the evidence differ from that of one good purchase.
		change func(v video, vg *v1alpha1.VideoGeneration, e *evidence)
		// want is the category of the only violation; empty for none.
		want string
	}{
		{"all is well", plain, func(video, *v1alpha1.VideoGeneration, *evidence) {}, ""},
		{"a second task for one attempt", retried, func(v video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.videos[0].attempts = 2
			e.tasks = append(e.tasks, taskOf(v, "task-1", "attempt-1", kiesim.TaskSucceeded))
		}, "duplicates"},
		{"more tasks than attempts are allowed", plain, func(v video, vg *v1alpha1.VideoGeneration, e *evidence) {
			vg.Status.History = []v1alpha1.PastTask{{Attempt: "attempt-0", ID: "task-0"}}
			e.tasks = append(e.tasks, taskOf(v, "task-0", "attempt-0", kiesim.TaskFailed))
		}, "duplicates"},
		{"a deleted one was bought twice", deleted, func(v video, _ *v1alpha1.VideoGeneration, e *evidence) {
			delete(e.resources, v.name)
			e.gone[v.name] = true
			e.tasks = append(e.tasks, taskOf(v, "task-2", "attempt-2", kiesim.TaskRunning))
		}, "duplicates"},
		{"an upgrade was bought twice", ultraHD, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			upgrade := upgraded{kiesim.Upgrade{TaskID: "task-1", State: kiesim.TaskSucceeded}, "account-0"}
			e.upgrades = []upgraded{upgrade, upgrade}
		}, "duplicates"},
		{"two tasks, as the policy allows", retried, func(v video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.videos[0].attempts = 2
			vg.Status.History = []v1alpha1.PastTask{{Attempt: "attempt-0", ID: "task-0"}}
			e.tasks = append(e.tasks, taskOf(v, "task-0", "attempt-0", kiesim.TaskFailed))
		}, ""},
		{"the task of an attempt that the resource does not know", retried, func(v video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.videos[0].attempts = 2
			e.tasks = append(e.tasks, taskOf(v, "task-0", "attempt-0", kiesim.TaskFailed))
		}, "lost"},
		{"given up, though a callback was acknowledged", plain, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			giveUp(vg)
			e.answers["attempt-1"] = []int{503, 200}
		}, "lost"},
		{"given up, though a callback came through", plain, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			giveUp(vg)
			e.answers["attempt-1"] = []int{0, 404}
		}, "lost"},
		{"given up, and no callback came through", plain, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			giveUp(vg)
			e.answers["attempt-1"] = []int{0, 502, 503, 0}
		}, ""},
		{"given up, and nothing was paid for", unsold, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			giveUp(vg)
			e.tasks = nil
		}, ""},
		{"a task has succeeded and the resource has not", plain, func(_ video, vg *v1alpha1.VideoGeneration, _ *evidence) {
			fail(vg, v1alpha1.ReasonTimedOut)
		}, "lost"},
		{"the resource has succeeded and no task has", plain, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.tasks[0].State = kiesim.TaskFailed
		}, "wrong ends"},
		{"both have failed", rejected, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.tasks[0].State = kiesim.TaskFailed
			fail(vg, v1alpha1.ReasonContentRejected)
		}, ""},
		{"failed without a purchase", plain, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.tasks, vg.Status.Task = nil, nil
			setReady(vg, metav1.ConditionFalse, v1alpha1.ReasonInvalidRequest)
		}, "wrong ends"},
		{"succeeded without the upgrade", fullHD, func(video, *v1alpha1.VideoGeneration, *evidence) {}, "wrong ends"},
		{"not at rest", plain, func(_ video, vg *v1alpha1.VideoGeneration, _ *evidence) {
			vg.Status.Task.State = v1alpha1.TaskRunning
			setReady(vg, metav1.ConditionUnknown, v1alpha1.ReasonGenerating)
		}, "stuck"},
		{"nobody has looked at it", plain, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			vg.Status, e.tasks = v1alpha1.VideoGenerationStatus{}, nil
		}, "stuck, silent"},
		{"asked to be bought again, and not looked at", againFailed, func(_ video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.tasks[0].State = kiesim.TaskFailed
			fail(vg, v1alpha1.ReasonGenerationFailed)
			vg.Annotations = map[string]string{v1alpha1.AnnotationResubmit: "attempt-1"}
		}, "stuck"},
		{"bought again by name", againFailed, func(v video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.again = map[types.NamespacedName]int{v.name: 1}
			vg.Status.History = []v1alpha1.PastTask{{Attempt: "attempt-0", ID: "task-0"}}
			e.tasks = append(e.tasks, taskOf(v, "task-0", "attempt-0", kiesim.TaskFailed))
		}, ""},
		{"bought again more often than asked for", againFailed, func(v video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.again = map[types.NamespacedName]int{v.name: 1}
			vg.Status.History = []v1alpha1.PastTask{{Attempt: "attempt-0", ID: "task-0"}, {Attempt: "attempt-2", ID: "task-2"}}
			e.tasks = append(e.tasks, taskOf(v, "task-0", "attempt-0", kiesim.TaskFailed), taskOf(v, "task-2", "attempt-2", kiesim.TaskFailed))
		}, "duplicates"},
		{"bought again, and the first one never heard of", againUnheard, func(v video, vg *v1alpha1.VideoGeneration, e *evidence) {
			e.again = map[types.NamespacedName]int{v.name: 1}
			vg.Status.History = []v1alpha1.PastTask{{Attempt: "attempt-0"}}
			e.tasks = append(e.tasks, taskOf(v, "task-0", "attempt-0", kiesim.TaskSucceeded))
			e.arrivals["attempt-0"], e.muted = arrival{}, map[string]bool{"attempt-0": true}
		}, ""},
		{"the image of another", pictured, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.picture, e.files = "right", map[string]string{"http://kie/image": "wrong"}
			e.arrivals["attempt-1"] = arrival{images: []string{"http://kie/image"}}
		}, "wrong ends"},
		{"the right image", pictured, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.picture, e.files = "right", map[string]string{"http://kie/image": "right"}
			e.arrivals["attempt-1"] = arrival{images: []string{"http://kie/image"}}
		}, ""},
		{"not there, and not deleted", plain, func(v video, _ *v1alpha1.VideoGeneration, e *evidence) {
			delete(e.resources, v.name)
		}, "vanished"},
		{"not there, as it was deleted", deleted, func(v video, _ *v1alpha1.VideoGeneration, e *evidence) {
			delete(e.resources, v.name)
			e.gone[v.name] = true
		}, ""},
		{"21 submissions in a window", plain, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.fullest["account-0"] = 21
		}, "too fast"},
		{"bought by nobody", plain, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.tasks = append(e.tasks, bought{Task: kiesim.Task{ID: "task-9", Attempt: "attempt-9", Prompt: "something else"}})
		}, "trouble"},
		{"bought for what was not applied", plain, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) {
			e.tasks = append(e.tasks, bought{Task: kiesim.Task{ID: "task-9", Attempt: "attempt-9", Prompt: canaryPrompt + " chaos-0/video-9"}})
		}, "trouble"},
		{"a regression", plain, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) { e.regressions = []string{"one"} }, "regressions"},
		{"a leak", plain, func(_ video, _ *v1alpha1.VideoGeneration, e *evidence) { e.leaks = []string{"one"} }, "leaks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, vg, e := one(tt.kind)
			tt.change(v, vg, &e)
			e.keepBooks()
			f := judge(e)
			if got := foundBy(f); got != tt.want {
				t.Errorf("the oracle finds %q, want %q: %+v", got, tt.want, f)
			}
			if err := verdict(f, "here"); (err != nil) != (tt.want != "") {
				t.Errorf("the run ends with %v", err)
			}
		})
	}
}

func TestUnknownPurchasesAreCounted(t *testing.T) {
	_, vg, e := one(plain)
	giveUp(vg)
	e.answers["attempt-1"] = []int{0, 503}
	e.keepBooks()
	if f := judge(e); len(f.unknown) != 1 || f.unsold != 0 {
		t.Errorf("%d are unknown and paid for, %d unknown and not, want 1 and 0", len(f.unknown), f.unsold)
	}
	e.tasks = nil
	if f := judge(e); len(f.unknown) != 0 || f.unsold != 1 || f.expected != 0 {
		t.Errorf("%d are unknown and paid for, %d unknown and not, %d of them expected, want 0, 1 and 0", len(f.unknown), f.unsold, f.expected)
	}
}

func TestRegressions(t *testing.T) {
	state := func(status metav1.ConditionStatus, reason string, task v1alpha1.TaskState) *v1alpha1.VideoGeneration {
		_, vg, _ := one(plain)
		vg.UID = "uid"
		vg.Status.Task.State = task
		if task == v1alpha1.TaskFailed {
			vg.Status.Task.Failure = &v1alpha1.TaskFailure{Reason: reason}
		}
		setReady(vg, status, reason)
		return vg
	}
	succeeded := state(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, v1alpha1.TaskSucceeded)
	failed := state(metav1.ConditionFalse, v1alpha1.ReasonContentRejected, v1alpha1.TaskFailed)
	generating := state(metav1.ConditionUnknown, v1alpha1.ReasonGenerating, v1alpha1.TaskRunning)
	unknown := state(metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown, v1alpha1.TaskFailed)
	another := state(metav1.ConditionUnknown, v1alpha1.ReasonGenerating, v1alpha1.TaskRunning)
	another.UID = "another"
	again := state(metav1.ConditionUnknown, v1alpha1.ReasonSubmitting, v1alpha1.TaskSubmitting)
	again.Status.Task.Attempt = "attempt-2"
	again.Annotations = map[string]string{v1alpha1.AnnotationResubmit: "attempt-1"}
	for _, tt := range []struct {
		name    string
		was, is *v1alpha1.VideoGeneration
		want    bool
	}{
		{"a success is left", succeeded, generating, true},
		{"a success becomes a failure", succeeded, failed, true},
		{"a failure becomes a success", failed, succeeded, true},
		{"a success stays", succeeded, succeeded, false},
		{"an end is reached", generating, succeeded, false},
		{"what was given up comes back", unknown, generating, false},
		{"another resource has the name", succeeded, another, false},
		{"a failure is bought again by name", failed, again, false},
	} {
		if got := regressionOf(tt.was, tt.is) != ""; got != tt.want {
			t.Errorf("%s: a regression is %v, want %v", tt.name, got, tt.want)
		}
	}
	w := newWatcher()
	w.updated(succeeded, generating)
	w.updated(generating, succeeded)
	if left := w.left(); len(left) != 1 {
		t.Errorf("the watcher has noted %q, want one", left)
	}
}

func TestSearchLog(t *testing.T) {
	const attempt = "q7ZkQ-_x0123456789abcd"
	for _, tt := range []struct {
		line           string
		leaks, crashes int
	}{
		{`{"msg":"KIE.AI accepted the task","taskID":"0123456789abcdef0123456789abcdef"}`, 0, 0},
		{"Authorization: Bearer " + canaryAPIKey + "account-01", 1, 0},
		{"signed with " + canaryHMACKey + "account-01", 1, 0},
		{`"` + canaryPrompt + ` chaos-0/video-1"`, 1, 0},
		{"/v1/callbacks/x", 1, 0},
		{`"attempt":"` + attempt + `"`, 1, 0},
		{"panic: runtime error", 0, 1},
		{"fatal error: concurrent map writes", 0, 1},
	} {
		leaks, crashes, err := searchLog("log", strings.NewReader("first\n"+tt.line+"\n"), map[string]bool{attempt: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(leaks) != tt.leaks || len(crashes) != tt.crashes {
			t.Errorf("in %q there are leaks %q and crashes %q, want %d and %d", tt.line, leaks, crashes, tt.leaks, tt.crashes)
		}
	}
}
