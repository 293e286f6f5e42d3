// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// paidBy is the identity of the account that a resource in namespace films has by default.
var paidBy = fixture.Identity("films", v1alpha1.DefaultAccountName)

// on says which account is to buy, or has bought.
func on(account v1alpha1.AccountIdentity) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Status.Account = account }
}

// bought gives the resource a task that the account has bought.
func bought(taskState v1alpha1.TaskState, attempt string, changes ...func(*v1alpha1.Task)) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) {
		task := fixture.Task(taskState, "task-of-"+attempt)
		task.Attempt, task.Account, vg.Status.Account = attempt, paidBy, paidBy
		for _, change := range changes {
			change(task)
		}
		vg.Status.Task = task
	}
}

func adopted(task *v1alpha1.Task) { fixture.Adopted(task).Account = v1alpha1.AccountIdentity{} }

// restored is a purchase that only an annotation tells of.
func restored(task *v1alpha1.Task) { task.ID, task.Account = "", v1alpha1.AccountIdentity{} }

func failedFor(reason string) func(*v1alpha1.Task) {
	return func(task *v1alpha1.Task) {
		task.State, task.Failure = v1alpha1.TaskFailed, &v1alpha1.TaskFailure{Reason: reason}
	}
}

// refersTo names an account in the spec.
func refersTo(namespace, name string) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.AccountRef = &v1alpha1.AccountReference{Namespace: namespace, Name: name}
	}
}

func suspended(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) }

func leaving(vg *v1alpha1.VideoGeneration) {
	vg.DeletionTimestamp = ptr.To(metav1.NewTime(fixture.Epoch))
}

func upgrading(taskState v1alpha1.UpgradeState) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Status.Upgrade = &v1alpha1.Upgrade{State: taskState} }
}

func made(vg *v1alpha1.VideoGeneration) { vg.Status.Videos = []v1alpha1.Video{{Resolution: "720p"}} }

func TestWhatAResourceMeans(t *testing.T) {
	type video = func(*v1alpha1.VideoGeneration)
	large := fixture.In(v1alpha1.Resolution4K)
	for _, tt := range []struct {
		reason                             string
		changes                            []video
		mayAsk, queued, hasPlace, sent, up bool
	}{
		{reason: "nobody has looked at it", changes: nil, mayAsk: true},
		{reason: "it waits", changes: []video{on(paidBy)}, mayAsk: true, queued: true},
		{reason: "its user holds it back", changes: []video{on(paidBy), suspended}},
		{reason: "it waits for the video that it continues", changes: []video{on(paidBy), fixture.Extending("other")}},
		{reason: "it names the account", changes: []video{on(paidBy), refersTo("", "default")}, mayAsk: true, queued: true},
		{reason: "it is being bought", changes: []video{bought(v1alpha1.TaskSubmitting, "1")}, mayAsk: true, hasPlace: true, sent: true},
		{reason: "it runs", changes: []video{bought(v1alpha1.TaskRunning, "1")}, mayAsk: true, hasPlace: true, sent: true},
		{reason: "it is finished", changes: []video{bought(v1alpha1.TaskSucceeded, "1"), made}, mayAsk: true, sent: true},
		{reason: "it will be made larger", changes: []video{bought(v1alpha1.TaskRunning, "1"), large}, mayAsk: true, hasPlace: true, sent: true, up: true},
		{reason: "it is about to be made larger", changes: []video{bought(v1alpha1.TaskSucceeded, "1"), made, large}, mayAsk: true, sent: true, up: true},
		{reason: "it is being made larger", changes: []video{bought(v1alpha1.TaskSucceeded, "1"), made, large, upgrading(v1alpha1.UpgradeRunning)}, mayAsk: true, hasPlace: true, sent: true},
		{reason: "it was made larger", changes: []video{bought(v1alpha1.TaskSucceeded, "1"), made, large, upgrading(v1alpha1.UpgradeSucceeded)}, mayAsk: true, sent: true},
		{reason: "it failed, and its user asks for it again", changes: []video{bought(v1alpha1.TaskFailed, "1", failedFor(v1alpha1.ReasonContentRejected)), fixture.Resubmit}, mayAsk: true, queued: true, sent: true},
		{reason: "it is lost, and its user asks for it again", changes: []video{bought(v1alpha1.TaskSubmitting, "1", func(task *v1alpha1.Task) { task.ID = "" }), fixture.Resubmit}, mayAsk: true, queued: true, hasPlace: true, sent: true},
		{reason: "another account bought it", changes: []video{bought(v1alpha1.TaskRunning, "1"), on(fixture.Identity("films", "other"))}, mayAsk: true},
		{reason: "its task is of an API that is not known here", changes: []video{bought(v1alpha1.TaskRunning, "1"), fixture.OfMarket, large}, hasPlace: true, sent: true},

		{reason: "T1: a task that was taken over", changes: []video{bought(v1alpha1.TaskRunning, "1", adopted)}, mayAsk: true},
		{reason: "T1: an attempt that was restored", changes: []video{bought(v1alpha1.TaskSubmitting, "1", restored)}, mayAsk: true},
		{reason: "a restored attempt whose task a callback has named", changes: []video{bought(v1alpha1.TaskRunning, "1", restored, func(task *v1alpha1.Task) { task.ID = "task" })}, mayAsk: true, hasPlace: true, sent: true},
		{reason: "the larger version of what was taken over is paid for", changes: []video{bought(v1alpha1.TaskSucceeded, "1", adopted), made, large, upgrading(v1alpha1.UpgradeRunning)}, mayAsk: true, hasPlace: true},
		{reason: "T2: what is being deleted does not wait", changes: []video{on(paidBy), leaving}},
		{reason: "T2: what is being deleted has no place, but did buy", changes: []video{bought(v1alpha1.TaskRunning, "1"), leaving, large}, sent: true},
		{reason: "T3: it is to be bought by another account", changes: []video{bought(v1alpha1.TaskFailed, "1", adopted, failedFor(v1alpha1.ReasonTaskNotFound)), fixture.Resubmit, refersTo("", "nowhere")}, mayAsk: true},
		{reason: "T3: it is to be bought by the default account, which this is not", changes: []video{on(fixture.Identity("films", "other"))}, mayAsk: true},
		{reason: "T5: the larger version of what was taken over", changes: []video{bought(v1alpha1.TaskRunning, "1", adopted), large}, mayAsk: true},
		{reason: "T5: a larger version that its user holds back", changes: []video{bought(v1alpha1.TaskSucceeded, "1"), made, large, suspended}, sent: true},
	} {
		vg := fixture.Video("a", tt.changes...)
		e := entryOf(vg)
		got := []bool{e.mayAsk, e.queued, e.hasPlace, !e.gotBy.IsZero(), e.upgrade == upgrade{resolution: v1alpha1.Resolution4K}}
		want := []bool{tt.mayAsk, tt.queued, tt.hasPlace, tt.sent, tt.up}
		for i, what := range []string{"it may ask", "it waits", "it has a place", "it was sent", "a larger version is due"} {
			if got[i] != want[i] {
				t.Errorf("%s: %s is %t, want %t", tt.reason, what, got[i], want[i])
			}
		}
		if tt.sent && !e.gotBy.Equal(fixture.Epoch.Add(21*time.Second)) {
			t.Errorf("%s: KIE.AI got it by %s, want 21 s after its purchase was decided", tt.reason, e.gotBy)
		}
	}
}
